import { readFile } from 'node:fs/promises'
import { parseModel, prune, serializeModel } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'

/** The part of a model that one of its outputs needs, as an ONNX file: what else it takes need not be fed, nor is it computed. */
export async function partOf(modelPath: string, output: string): Promise<Uint8Array> {
  const model = parseModel(new Uint8Array(await readFile(modelPath)), () => {
    throw new QontrastError(
      'model-invalid',
      `${modelPath} holds two towers and keeps its weights beside itself: export them as vision_model.onnx and text_model.onnx.`,
    )
  })
  const whole = { ...model.graph, outputs: model.graph.outputs.filter(({ name }) => name === output) }
  const part = prune(whole)
  const read = new Set(part.nodes.flatMap((node) => node.inputs))
  const graph = { ...part, inputs: part.inputs.filter(({ name }) => read.has(name)) }
  return serializeModel({ ...model, graph })
}
