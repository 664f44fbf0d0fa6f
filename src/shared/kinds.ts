/**
 * What a value is, by its shape: Jest, `vm` contexts and second copies of a package have classes of their own,
 * so that `instanceof` is false for what is the same thing.
 */

/** True for errors of any realm, `DOMException` included. */
export function isError(value: unknown): value is Error {
  return hasString(value, 'message') && hasString(value, 'name')
}

/** True for a TypeError of any realm: what a strict TextDecoder throws. */
export function isTypeError(value: unknown): value is TypeError {
  return isError(value) && value.name === 'TypeError'
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return isObject(value) && 'then' in value && typeof value.then === 'function'
}

interface Kinds {
  readonly ArrayBuffer: ArrayBuffer
  readonly BigInt64Array: BigInt64Array
  readonly BigUint64Array: BigUint64Array
  readonly Date: Date
  readonly Float32Array: Float32Array
  readonly Int32Array: Int32Array
  readonly Uint8Array: Uint8Array
}

/** True for a value of a built-in class of any realm; a subclass, such as Node's `Buffer`, is of its class too. */
export function isKind<Kind extends keyof Kinds>(value: unknown, kind: Kind): value is Kinds[Kind] {
  return Object.prototype.toString.call(value) === `[object ${kind}]`
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function hasString(value: unknown, key: string): boolean {
  return isObject(value) && typeof Reflect.get(value, key) === 'string'
}
