export type Decay = 'linear' | 'cosine' | 'constant'

export interface ScheduleOptions {
  readonly rate: number
  readonly steps: number
  /** Share of the steps over which the rate rises from 0. */
  readonly warmup: number
  readonly decay: Decay
}

const shapes: Record<Decay, (done: number) => number> = {
  linear: (done) => 1 - done,
  cosine: (done) => (1 + Math.cos(Math.PI * done)) / 2,
  constant: () => 1,
}

/** Learning rate of a step counted from 1: linear warm-up, then decay to 0 at the end; as transformers' schedules give it. */
export function rateAt(step: number, { rate, steps, warmup, decay }: ScheduleOptions): number {
  const rising = Math.ceil(steps * warmup)
  const before = step - 1
  if (before < rising) return (rate * before) / Math.max(1, rising)
  return rate * shapes[decay](Math.min(1, (before - rising) / Math.max(1, steps - rising)))
}
