import { boundView } from './access/bound-view.ts'
import type { ApiContext, Services } from './context.ts'
import { type IndexView, viewOf } from './view.ts'

/** The index that a request names, as far as its key may see it. */
export function openView({ catalog }: Services): (c: ApiContext) => Promise<IndexView> {
  return async (c) => {
    const served = await catalog.open(c.req.param('index') ?? '')
    const view = viewOf(served)
    const { bound } = c.var.access
    return bound ? boundView(view, bound, served.fields) : view
  }
}
