/** How far a long call is: `done` of `total` units, `total` undefined while it is not known. */
export interface Progress {
  readonly done: number
  readonly total: number | undefined
}
export type OnProgress = (progress: Progress) => void
