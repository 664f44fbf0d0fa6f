export const decays = ['linear', 'cosine', 'constant'] as const
export type Decay = (typeof decays)[number]

export interface ScheduleOptions {
  readonly rate: number
  readonly steps: number
  /** Share of the steps over which the rate rises. */
  readonly warmup: number
  readonly decay: Decay
}

const shapes: Record<Decay, (done: number) => number> = {
  linear: (done) => 1 - done,
  cosine: (done) => (1 + Math.cos(Math.PI * done)) / 2,
  constant: () => 1,
}

/**
 * Learning rate of a step counted from 1: linear warm-up, then decay to 0 after the last step. As transformers' schedules, but that the warm-up is one step
 * ahead: theirs takes the first step at a rate of 0, which moves nothing, and a run of one step would be none.
 */
export function rateAt(step: number, { rate, steps, warmup, decay }: ScheduleOptions): number {
  const rising = Math.ceil(steps * warmup)
  if (step <= rising) return (rate * step) / rising
  const before = step - 1
  return rate * shapes[decay](Math.min(1, (before - rising) / Math.max(1, steps - rising)))
}
