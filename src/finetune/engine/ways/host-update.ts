import type { ValueName } from '../../../graph/index.ts'
import { clipLimit, clipNames, clipScale } from '../../optimizer/clipping.ts'
import { followed, followingNames } from '../../optimizer/following.ts'
import { compileLoop, compileNumber, type HostLoop } from '../../optimizer/host-loop.ts'
import { decayed, updateNames } from '../../optimizer/optimizer.ts'
import { rowNormOf } from '../../optimizer/parameter.ts'
import type { StepFacts } from '../facts.ts'
import type { FloatTensor, TrainState } from '../state.ts'
import { type Gradients, squares } from './gradients.ts'

/** Numbers of one update. */
export interface UpdateNumbers {
  readonly rate: number
  readonly weightDecay: number
  /** Counted from 1. */
  readonly step: number
  /** What gradients are multiplied by before they are used: clipping, and the mean over accumulated batches. */
  readonly scale: number
  /** Of each follower: the share of itself that a shadow keeps. */
  readonly momenta: Readonly<Record<string, number>>
}

/** The optimizer on the host: one loop over memory for each weight, made of the definitions that graphs are made of too. */
export interface HostUpdate {
  /** Moves every trained weight by its gradient, and then what follows the weights. */
  apply(gradients: Gradients, numbers: UpdateNumbers): void
  /** What was known of the state holds no more: it was moved elsewhere. */
  forget(): void
}

const scaleOf = compileNumber(clipScale)

/** What gradients of a norm are multiplied by so that it is at most `clip`; 0 leaves them as they are. */
export function clippingOf(norm: number, clip: number): number {
  return scaleOf({ [clipNames.norm]: norm, [clipNames.clip]: clipLimit(clip) })
}

/** A weight with all that moves with it. */
interface Moved {
  readonly weight: FloatTensor
  readonly slots: readonly FloatTensor[]
  readonly decays: boolean
  /** Brings a row back to the weight's constraint. */
  readonly settle: HostLoop | undefined
}

export function createHostUpdate(facts: StepFacts, state: TrainState): HostUpdate {
  const { slots: slotsKept, next } = facts.update
  const slotNames = slotsKept.map(updateNames.slot)
  const move = compileLoop(next, [updateNames.weight, updateNames.gradient, ...slotNames])
  const fade = compileLoop({ [updateNames.weight]: decayed }, [updateNames.weight])
  const follow = compileLoop({ [followingNames.shadow]: followed }, [followingNames.shadow, followingNames.weight])
  const moved = movedOf(facts, state)
  const usedRows = new Map<ValueName, Set<number>>()

  function moveAll({ weight, slots }: Moved, gradient: Float32Array, numbers: Readonly<Record<string, number>>): void {
    const arrays = slots.map(({ data }, i) => [slotNames[i] ?? '', data])
    move(
      { [updateNames.weight]: weight.data, [updateNames.gradient]: gradient, ...Object.fromEntries(arrays) },
      numbers,
    )
  }

  /** Rows that no batch has used yet have neither gradient nor slots: only decay touches them. */
  function moveRows(
    name: ValueName,
    { weight, slots }: Moved,
    { gradients, numbers }: { gradients: ReadonlyMap<number, Float32Array>; numbers: Readonly<Record<string, number>> },
  ): void {
    const [rows = 0] = weight.dims
    const width = weight.data.length / rows
    const part = (values: Float32Array, row: number) => values.subarray(row * width, (row + 1) * width)
    const used = usedRows.get(name) ?? rowsInUse(slots, rows)
    usedRows.set(name, used)
    for (const row of gradients.keys()) used.add(row)
    const none = new Float32Array(width)
    for (const row of used) {
      const arrays = slots.map(({ data }, i) => [slotNames[i] ?? '', part(data, row)])
      const own = { [updateNames.weight]: part(weight.data, row), [updateNames.gradient]: gradients.get(row) ?? none }
      move({ ...own, ...Object.fromEntries(arrays) }, numbers)
    }
    if (numbers[updateNames.decay] === 0) return
    for (let row = 0; row < rows; row++)
      if (!used.has(row)) fade({ [updateNames.weight]: part(weight.data, row) }, numbers)
  }

  return {
    apply(gradients, { rate, weightDecay, step, scale, momenta }) {
      for (const [name, gradient] of gradients) {
        const one = moved.get(name)
        if (!one) continue
        const numbers = {
          [updateNames.rate]: rate,
          [updateNames.decay]: one.decays ? weightDecay : 0,
          [updateNames.step]: step,
          [updateNames.scale]: scale,
        }
        if (gradient.kind === 'dense') moveAll(one, gradient.values, numbers)
        else moveRows(name, one, { gradients: gradient.rows, numbers })
        if (one.settle) settleRows(one.settle, one.weight)
      }
      followAll(facts, state, { momenta, follow })
    },
    forget: () => usedRows.clear(),
  }
}

function movedOf({ update }: StepFacts, { weights, slots, loss }: TrainState): ReadonlyMap<ValueName, Moved> {
  const moved = update.moved.flatMap(({ name, slots: names, decays, settled }): [ValueName, Moved][] => {
    const weight = weights.get(name) ?? loss.parameters.get(name)
    if (!weight) return []
    const settle = settled && compileLoop({ [updateNames.weight]: settled }, [updateNames.weight])
    return [[name, { weight, slots: names.flatMap((slot) => slots.get(slot) ?? []), decays, settle }]]
  })
  return new Map(moved)
}

/** Rows of a table that have something in a slot. */
function rowsInUse(slots: readonly FloatTensor[], rows: number): Set<number> {
  const used = new Set<number>()
  for (const { data } of slots) {
    const width = data.length / rows
    for (let row = 0; row < rows; row++) {
      for (let i = row * width; i < (row + 1) * width; i++) {
        if (data[i] === 0) continue
        used.add(row)
        break
      }
    }
  }
  return used
}

function settleRows(settle: HostLoop, { data, dims }: FloatTensor): void {
  const width = dims.at(-1) ?? 1
  for (let from = 0; from < data.length; from += width) {
    const row = data.subarray(from, from + width)
    settle({ [updateNames.weight]: row }, { [rowNormOf]: Math.sqrt(squares(row)) })
  }
}

/** Shadows after the weights that they follow have moved. */
function followAll(
  { followers }: StepFacts,
  { weights, shadows }: TrainState,
  { momenta, follow }: Pick<UpdateNumbers, 'momenta'> & { readonly follow: HostLoop },
): void {
  for (const [follower, pairs] of Object.entries(followers)) {
    const numbers = { [followingNames.momentum]: momenta[follower] ?? 1 }
    for (const { shadow: shadowName, weight: weightName } of pairs) {
      const shadow = shadows.get(shadowName)
      const weight = weights.get(weightName)
      if (shadow && weight)
        follow({ [followingNames.shadow]: shadow.data, [followingNames.weight]: weight.data }, numbers)
    }
  }
}
