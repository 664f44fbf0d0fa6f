import { type Expression, operations } from './arithmetic.ts'

export type Arrays = Readonly<Record<string, Float32Array>>
export type Numbers = Readonly<Record<string, number>>

/** One pass over arrays of one length, changed in place: all of an element is read before any of it is written. */
export type HostLoop = (arrays: Arrays, numbers: Numbers) => void

/**
 * Writes expressions as one loop in JavaScript, as fast as one written by hand: what does not differ from element to element is worked out before it.
 * `outputs` says what each array becomes; values that are not among `arrays` are numbers.
 */
export function compileLoop(outputs: Readonly<Record<string, Expression>>, arrays: readonly string[]): HostLoop {
  const writer = createWriter(new Map(arrays.map((name, i) => [name, `a${i}[i]`])))
  const results = Object.entries(outputs).map(([name, expression]) => {
    return `a${arrays.indexOf(name)}[i] = ${writer.write(expression)}`
  })
  const code = [
    ...arrays.map((name, i) => `const a${i} = arrays[${JSON.stringify(name)}]`),
    ...writer.before,
    'for (let i = 0; i < a0.length; i++) {',
    ...writer.within,
    ...results,
    '}',
  ]
  const run = new Function('arrays', 'numbers', code.join('\n'))
  return (given, numbers) => {
    run(given, numbers)
  }
}

/** Writes an expression of numbers alone. */
export function compileNumber(expression: Expression): (numbers: Numbers) => number {
  const writer = createWriter(new Map())
  const result = writer.write(expression)
  const run = new Function('numbers', [...writer.before, `return ${result}`].join('\n'))
  return (numbers) => Number(run(numbers))
}

/** Lines of code that give each part of expressions a name; a part that several share is written once. */
function createWriter(elements: ReadonlyMap<string, string>) {
  const before: string[] = []
  const within: string[] = []
  const named = new Map<unknown, { readonly name: string; readonly differs: boolean }>()

  function part(key: unknown, code: string, differs: boolean) {
    const one = { name: `v${named.size}`, differs }
    const lines = differs ? within : before
    lines.push(`const ${one.name} = ${code}`)
    named.set(key, one)
    return one
  }

  function place(expression: Expression): { readonly name: string; readonly differs: boolean } {
    const key = expression.kind === 'value' ? expression.name : expression
    const known = named.get(key)
    if (known) return known
    if (expression.kind === 'constant') return { name: `(${expression.value})`, differs: false }
    if (expression.kind === 'value') {
      const element = elements.get(expression.name)
      return part(key, element ?? `numbers[${JSON.stringify(expression.name)}]`, element !== undefined)
    }
    const terms = expression.to.map(place)
    const [a = '', b = ''] = terms.map(({ name }) => name)
    return part(
      key,
      operations[expression.operation].code(a, b),
      terms.some(({ differs }) => differs),
    )
  }

  return { before, within, write: (expression: Expression) => place(expression).name }
}
