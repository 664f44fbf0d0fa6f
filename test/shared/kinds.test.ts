import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import {
  isError,
  isKind,
  isPromise,
  isQontrastError,
  isTypeError,
  messageOf,
  QontrastError,
  systemCodeOf,
} from '../../src/shared/index.ts'

test('errors of another realm are errors', () => {
  const foreign: unknown = runInNewContext("Object.assign(new RangeError('too far'), { code: 'ENOSPC' })")
  expect(foreign instanceof Error).toBe(false)
  expect(isError(foreign)).toBe(true)
  expect(messageOf(foreign)).toBe('too far')
  expect(systemCodeOf(foreign)).toBe('ENOSPC')
  expect(isError(new DOMException('stopped', 'AbortError'))).toBe(true)
  for (const other of [undefined, null, 'text', 7, {}, { message: 'no name' }, () => {}])
    expect(isError(other)).toBe(false)
})

test('an error of another copy of this package is one of ours, one of another library is not', () => {
  const foreign: unknown = runInNewContext(
    "Object.assign(new Error('no such index'), { name: 'QontrastError', code: 'index-not-found' })",
  )
  expect(isQontrastError(foreign)).toBe(true)
  expect(isQontrastError(foreign, 'index-not-found')).toBe(true)
  expect(isQontrastError(foreign, 'aborted')).toBe(false)
  expect(isQontrastError(new QontrastError('aborted', 'stopped'), 'aborted')).toBe(true)
  expect(isQontrastError(Object.assign(new Error('no file'), { code: 'ENOENT' }))).toBe(false)
  expect(isQontrastError(Object.assign(new Error('no code'), { name: 'QontrastError' }))).toBe(false)
})

test('values of built-in classes of another realm are of their kind', () => {
  const foreign: Record<string, unknown> = runInNewContext(
    '({ Float32Array: new Float32Array(2), Uint8Array: new Uint8Array(2), Date: new Date(0), ArrayBuffer: new ArrayBuffer(2) })',
  )
  for (const kind of ['Float32Array', 'Uint8Array', 'Date', 'ArrayBuffer'] as const) {
    expect(isKind(foreign[kind], kind)).toBe(true)
    expect(isKind(foreign[kind], 'Int32Array')).toBe(false)
  }
  expect(isKind(Buffer.from('x'), 'Uint8Array')).toBe(true)
  expect(isKind(null, 'Date')).toBe(false)
  expect(isPromise(runInNewContext('Promise.resolve(1)'))).toBe(true)
  expect(isPromise({ finally: () => {} })).toBe(false)
})

test('a TypeError is one in any realm, and another error is none', () => {
  const other = runInNewContext('[new TypeError("a"), new RangeError("b"), { name: "TypeError" }]')
  expect(other.map(isTypeError)).toEqual([true, false, false])
  expect([new TypeError('a'), new Error('b'), undefined].map(isTypeError)).toEqual([true, false, false])
})
