/** node stateful-training.ts LOSS OPTIONS: trains as the options say, in JSON, and prints each event as a line. For tests that kill it. */
import { writeSync } from 'node:fs'
import { type FinetuneOptions, finetune } from '../../src/main.ts'
import { statefulLosses } from './stateful-losses.ts'

const [name = '', given = '{}'] = process.argv.slice(2)
const options: FinetuneOptions = JSON.parse(given)
const loss = name === 'queue' ? statefulLosses.queue() : statefulLosses['learned temperature']()
for await (const event of finetune({ ...options, loss, onWarning: () => {} }))
  writeSync(1, `${JSON.stringify(event)}\n`)
