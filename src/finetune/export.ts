import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { ValueName } from '../graph/index.ts'
import { withDiskErrors } from './engine/checkpoint.ts'
import type { Parameter } from './optimizer/parameters.ts'
import type { Tower, WriteOptions } from './tower/tower.ts'

export interface ExportOptions extends WriteOptions {
  readonly tower: Tower
  readonly parameters: ReadonlyMap<ValueName, Parameter>
  readonly out: string
  /** Text of the model card, README.md; none where it is left out. */
  readonly card?: string
}

/** Writes a model folder that this package, transformers.js and sentence-transformers (ONNX backend) open as it is. */
export async function exportModel({ tower, parameters, out, card, ...options }: ExportOptions): Promise<void> {
  await withDiskErrors(async () => {
    await tower.write(out, new Map([...parameters].map(([name, { weights }]) => [name, weights])), options)
    if (card !== undefined) await writeFile(path.join(out, 'README.md'), card)
  })
}
