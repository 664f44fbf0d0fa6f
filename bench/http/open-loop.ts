import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../src/shared/index.ts'

export interface OpenLoopRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface OpenLoopResult {
  /** Milliseconds from when a request was due until its answer was read. */
  readonly latencies: readonly number[]
  readonly statuses: Readonly<Record<string, number>>
}

/**
 * Sends requests at random moments (a Poisson process of so many a second), whatever the answers take: users do not wait for each other. autocannon's rate
 * sends one from every connection at the same moment, so that each waits for all.
 */
export async function openLoop({
  url,
  requests,
  rate,
  amount,
}: {
  readonly url: string
  readonly requests: readonly OpenLoopRequest[]
  readonly rate: number
  readonly amount: number
}): Promise<OpenLoopResult> {
  const random = createRandom(7)
  const latencies: number[] = []
  const statuses: Record<string, number> = {}
  const answers: Promise<void>[] = []
  let due = performance.now()
  for (let i = 0; i < amount; i++) {
    due += (-Math.log(1 - random()) / rate) * 1_000
    const wait = due - performance.now()
    if (wait > 0) await sleep(wait)
    answers.push(send(requests[i % requests.length], due))
  }
  await Promise.all(answers)
  return { latencies, statuses }

  async function send(request: OpenLoopRequest | undefined, from: number): Promise<void> {
    if (!request) return
    const { path, ...rest } = request
    const status = await fetch(url + path, rest).then(
      async (answer) => {
        await answer.arrayBuffer()
        return String(answer.status)
      },
      () => 'none',
    )
    latencies.push(performance.now() - from)
    statuses[status] = (statuses[status] ?? 0) + 1
  }
}
