/** As a stranger declares one: an interface, whose members TypeScript does not take for JSON. */
export interface Article {
  readonly source: 'NHLBI' | 'CDC'
  readonly year: number
  readonly tags: readonly string[]
  readonly draft?: boolean
  readonly published: Date
  readonly author: { readonly name: string }
}

export const article: Article = {
  source: 'NHLBI',
  year: 2001,
  tags: ['lungs'],
  published: new Date('2001-05-06T00:00:00Z'),
  author: { name: 'Ada' },
}
