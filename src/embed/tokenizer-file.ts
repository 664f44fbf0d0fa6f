import path from 'node:path'
import { QontrastError } from '../shared/index.ts'
import type { ModelFolder } from './model-folder.ts'

/** `tokenizer.json`, parsed: beside a module's own settings, or in the folder itself. `model-invalid` where there is none. */
export async function readTokenizerFile(folder: ModelFolder, modulePath = ''): Promise<object> {
  const tokenizer =
    (await folder.openJson(path.posix.join(modulePath, 'tokenizer.json'))) ?? (await folder.openJson('tokenizer.json'))
  if (tokenizer) return tokenizer
  throw new QontrastError(
    'model-invalid',
    `${folder.root} has no tokenizer.json. Save the fast tokenizer beside the model: AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER).`,
  )
}
