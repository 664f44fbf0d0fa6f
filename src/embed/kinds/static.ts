import { QontrastError } from '../../shared/index.ts'
import { hasTable, tableFiles } from '../static/token-table.ts'
import { listModelFiles } from '../transformer/model-file.ts'
import type { EncoderKind, KindOptions } from './kind.ts'
import { transformerKind } from './transformer.ts'

/** A table of token vectors: Model2Vec's layout, or sentence-transformers' StaticEmbedding. Runs in this process. */
export const staticKind: EncoderKind = {
  name: 'static',
  takesPictures: false,
  async recognises(folder) {
    const { namesTable } = await import('../transformer/modules.ts')
    const mayBe = (await listModelFiles(folder)).length === 0 || (await namesTable(folder)) // Model2Vec writes an ONNX file beside it
    return mayBe && hasTable(folder)
  },
  weights(names, dtype) {
    if (transformerKind.weights(names, dtype).length > 0) return []
    return tableFiles.filter((name) => names.includes(name))
  },
  async load(folder, options) {
    checkOptions(options)
    const { loadStaticEncoder } = await import('../static/static-encoder.ts')
    const encoder = await loadStaticEncoder(folder, options)
    if (options.workers !== undefined)
      options.onWarning(`workers has no effect: the encoder '${options.name}' runs in this process.`)
    return encoder
  },
  async readForTraining({ root }) {
    throw new QontrastError(
      'model-invalid',
      `${root} is a table of token vectors (Model2Vec or StaticEmbedding), which cannot be trained yet. Train a transformer: a folder with onnx/model.onnx.`,
    )
  },
}

/** A table has one form of weights, one place to run and no outputs to choose from. */
function checkOptions({ name, dtype, device, output }: KindOptions): void {
  const refuse = (option: string, allowed: string) =>
    new QontrastError(
      'invalid-option',
      `The encoder '${name}' is a table of token vectors, so ${option} cannot be honoured. ${allowed}`,
    )
  if (dtype !== 'fp32') throw refuse(`dtype '${dtype}'`, 'Leave dtype out: its weights are read as they are stored.')
  if (device !== 'auto' && device !== 'cpu')
    throw refuse(`device '${device}'`, 'Leave device out, or pass cpu or auto.')
  if (output !== undefined) throw refuse(`output '${output}'`, 'Leave output out: it has no outputs to choose from.')
}
