/** The headings above a place, outermost first. */
export interface HeadingTrail {
  /** Enters a heading and gives the trail down to it: `Guide › Install`. Nothing for one without words. */
  enter(depth: number, title: string): string | undefined
  first(): string | undefined
}

export function createHeadingTrail(): HeadingTrail {
  let trail: { depth: number; title: string }[] = []
  let first: string | undefined
  return {
    enter(depth, title) {
      const clean = title.replace(/\s+/g, ' ').trim()
      if (clean === '') return undefined
      first ??= clean
      trail = [...trail.filter((heading) => heading.depth < depth), { depth, title: clean }]
      return trail.map((heading) => heading.title).join(' › ')
    },
    first: () => first,
  }
}
