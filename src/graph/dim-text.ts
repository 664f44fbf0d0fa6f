/** A symbol, or a quotient that is rounded down, of two dims as text. */
export type Atom = string | { readonly over: string; readonly under: string }

export interface Term {
  readonly factor: number
  /** Multiplied with each other; in the order of their text. */
  readonly atoms: readonly Atom[]
}

export function productTerm(a: Term, b: Term): Term {
  return { factor: a.factor * b.factor, atoms: inOrder([...a.atoms, ...b.atoms]) }
}

/** `a / b` where it leaves nothing over. */
export function quotientTerm(a: Term, b: Term): Term | undefined {
  const atoms = [...a.atoms]
  for (const atom of b.atoms) {
    const at = atoms.findIndex((one) => atomText(one) === atomText(atom))
    if (at < 0) return undefined
    atoms.splice(at, 1)
  }
  return a.factor % b.factor === 0 ? { factor: a.factor / b.factor, atoms } : undefined
}

/** Negative where `a` leads: more atoms first, then by their text. An order that products keep, so that sums can be divided. */
export function byLead(a: Term, b: Term): number {
  const [left, right] = [a.atoms.map(atomText), b.atoms.map(atomText)]
  const at = left.findIndex((text, i) => text !== right[i])
  return right.length - left.length || (at < 0 ? 0 : (left[at] ?? '') < (right[at] ?? '') ? -1 : 1)
}

function inOrder(atoms: readonly Atom[]): Atom[] {
  return atoms.toSorted((a, b) => (atomText(a) < atomText(b) ? -1 : atomText(a) > atomText(b) ? 1 : 0))
}

function atomText(atom: Atom): string {
  const grouped = (text: string) => (text.includes(' ') ? `(${text})` : text)
  return typeof atom === 'string' ? atom : `floor(${grouped(atom.over)} / ${grouped(atom.under)})`
}

/** The one text of a sum: `12*batch*sequence`, `anchors + positives - 1`, `floor(width / 2) + 1`. */
export function termsText(terms: readonly Term[]): string {
  const texts = terms.map(({ factor, atoms }) => {
    const size = Math.abs(factor)
    const parts = [...(size === 1 && atoms.length > 0 ? [] : [String(size)]), ...atoms.map(atomText)]
    return { isNegative: factor < 0, isNumber: atoms.length === 0, text: parts.join('*') }
  })
  const sorted = texts.sort(
    (a, b) =>
      Number(a.isNegative) - Number(b.isNegative) ||
      Number(a.isNumber) - Number(b.isNumber) ||
      (a.text < b.text ? -1 : 1),
  )
  return sorted
    .map(({ isNegative, text }, i) =>
      i === 0 ? `${isNegative ? '-' : ''}${text}` : ` ${isNegative ? '-' : '+'} ${text}`,
    )
    .join('')
}

/** Reads what `termsText` writes; any other text is the name of one symbol, as files have them. */
export function parseDim(text: string): readonly Term[] {
  let at = 0
  const eat = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const [found] = pattern.exec(text) ?? []
    at += found?.length ?? 0
    return found
  }

  function sum(): Term[] | undefined {
    const terms: Term[] = []
    let sign: string | undefined = eat(/-/y) ?? ' + '
    while (sign !== undefined) {
      const term = product()
      if (!term) return undefined
      terms.push({ ...term, factor: sign === ' + ' ? term.factor : -term.factor })
      sign = eat(/ [+-] /y)
    }
    return terms
  }
  function product(): Term | undefined {
    let all: Term | undefined = { factor: 1, atoms: [] }
    do {
      const next = factor()
      all = next && all && productTerm(all, next)
    } while (all && eat(/\*/y) !== undefined)
    return all
  }
  function factor(): Term | undefined {
    const number = eat(/\d+(?![^\s*()])/y)
    if (number !== undefined) return { factor: Number(number), atoms: [] }
    if (eat(/floor\(/y) === undefined) {
      const name = eat(/[^\s*()\d-][^\s*()]*/y)
      return name === undefined ? undefined : { factor: 1, atoms: [name] }
    }
    const over = group()
    const under = eat(/ \/ /y) === undefined ? undefined : group()
    if (!over || !under || eat(/\)/y) === undefined) return undefined
    return { factor: 1, atoms: [{ over: termsText(over), under: termsText(under) }] }
  }

  function group(): Term[] | undefined {
    if (eat(/\(/y) === undefined) return sum()
    const inner = sum()
    return eat(/\)/y) === undefined ? undefined : inner
  }

  const terms = sum()
  return terms && at === text.length ? terms : [{ factor: 1, atoms: [text] }]
}
