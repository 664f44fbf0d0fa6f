import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { withDiskErrors } from './engine/checkpoint.ts'
import type { Tower, WriteOptions } from './tower/tower.ts'

export interface ExportOptions extends WriteOptions {
  readonly tower: Tower
  /** Weights and buffers, by the tower's names. */
  readonly values: Parameters<Tower['write']>[1]
  readonly out: string
  /** Text of the model card, README.md; none where it is left out. */
  readonly card?: string
}

/** Writes a model folder that this package, transformers.js and sentence-transformers (ONNX backend) open as it is. */
export async function exportModel({ tower, values, out, card, ...options }: ExportOptions): Promise<void> {
  await withDiskErrors(async () => {
    await tower.write(out, values, options)
    if (card !== undefined) await writeFile(path.join(out, 'README.md'), card)
  })
}
