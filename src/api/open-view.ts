import { currentWork, onAccountOf } from '../shared/index.ts'
import { boundView } from './access/bound-view.ts'
import type { ApiContext, Services } from './context.ts'
import { type IndexView, viewOf } from './view.ts'

/** The index that a request names, as far as its key may see it. */
export function openView({ catalog }: Services): (c: ApiContext) => Promise<IndexView> {
  return async (c) => {
    const served = await catalog.open(c.req.param('index') ?? '')
    const work = currentWork()
    const whole = viewOf(served)
    const { bound } = c.var.access
    const view = bound ? boundView(whole, bound, served.fields) : whole
    return {
      ...view,
      async put(documents, signal) {
        c.var.checkAccess() // a stream of documents may outlive its key
        return onAccountOf(work, () => view.put(documents, signal)) // and puts after its handler has answered
      },
    }
  }
}
