import { type Model, serializeModel } from '../../../graph/index.ts'
import type { Peer } from '../../../runtime/index.ts'
import type { Recipe } from '../recipe.ts'
import { type TrainState, valuesOf } from '../state.ts'
import type { Form } from './forward.ts'
import { buildChunkGraph, buildEncodeGraph, buildLossGraph, buildStepGraph } from './gradients.ts'
import { buildLoopGraph } from './repeat.ts'
import { buildUpdateGraph } from './update.ts'

/** A graph as bytes, beside the names of what it gives. */
export type Built<Graph extends { readonly model: Model }> = Omit<Graph, 'model'> & {
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Where the ways of stepping get their graphs from. */
export interface GraphSource {
  step(form: Form): Promise<Built<ReturnType<typeof buildStepGraph>>>
  update(form: Form): Promise<Built<ReturnType<typeof buildUpdateGraph>>>
  repeat(form: Form): Promise<Built<ReturnType<typeof buildLoopGraph>>>
  loss(form: Form): Promise<Built<ReturnType<typeof buildLossGraph>>>
  /** Of one pass. */
  chunk(form: Form): Promise<Built<ReturnType<typeof buildChunkGraph>>>
  encode(form: Form): Promise<Built<ReturnType<typeof buildEncodeGraph>>>
}

/** Builds them where it is called: a loss is a function, which goes to no other thread. */
export function graphsOf(recipe: Recipe, state: TrainState): GraphSource {
  const values = new Set(valuesOf(state).keys())
  return {
    step: async (form) => built(buildStepGraph(recipe, form)),
    update: async (form) => built(buildUpdateGraph(recipe, form)),
    repeat: async (form) => built(buildLoopGraph(buildUpdateGraph(recipe, form), values)),
    loss: async (form) => built(buildLossGraph(recipe, form)),
    chunk: async ({ passes: [pass = ''] }) => built(buildChunkGraph(recipe, pass)),
    encode: async ({ passes: [pass = ''] }) => built(buildEncodeGraph(recipe, pass)),
  }
}

/** A question for a graph, and the form that it is to have. */
export interface GraphQuestion {
  readonly graph: keyof GraphSource
  readonly form: Form
}

/** Asks the thread that can build them. */
export function graphsFrom(parent: Peer): GraphSource {
  const ask = <Answer>(graph: keyof GraphSource, form: Form) => {
    const question: GraphQuestion = { graph, form }
    return parent.ask<Answer>(question)
  }
  return {
    step: (form) => ask('step', form),
    update: (form) => ask('update', form),
    repeat: (form) => ask('repeat', form),
    loss: (form) => ask('loss', form),
    chunk: (form) => ask('chunk', form),
    encode: (form) => ask('encode', form),
  }
}

function built<Graph extends { readonly model: Model }>({ model, ...names }: Graph): Built<Graph> {
  return { ...names, bytes: serializeModel(model) }
}
