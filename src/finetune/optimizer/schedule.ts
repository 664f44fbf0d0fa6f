/** How the learning rate falls after its warm-up. */
export const schedules = ['linear', 'cosine', 'constant'] as const
export type Schedule = (typeof schedules)[number]

export interface ScheduleOptions {
  readonly rate: number
  readonly steps: number
  /** Share of the steps over which the rate rises. */
  readonly warmup: number
  readonly schedule: Schedule
}

const shapes: Record<Schedule, (done: number) => number> = {
  linear: (done) => 1 - done,
  cosine: (done) => (1 + Math.cos(Math.PI * done)) / 2,
  constant: () => 1,
}

/**
 * Learning rate of a step counted from 1: linear warm-up, then down to 0 after the last step. As transformers' schedules, but that the warm-up is one step
 * ahead: theirs takes the first step at a rate of 0, which moves nothing, and a run of one step would be none.
 */
export function rateAt(step: number, { rate, steps, warmup, schedule }: ScheduleOptions): number {
  const rising = Math.ceil(steps * warmup)
  if (step <= rising) return (rate * step) / rising
  const before = step - 1
  return rate * shapes[schedule](Math.min(1, (before - rising) / Math.max(1, steps - rising)))
}
