import type { EvaluateEnd } from './engine/events.ts'
import type { CardFacts as RunFacts } from './engine/train-options.ts'
import type { EncoderSource } from './methods/tower-source.ts'

export interface CardFacts extends RunFacts {
  /** What the encoder was trained from. */
  readonly model: string | EncoderSource
}

/** README.md of a trained model: where it comes from, how it was trained, what was measured. */
export function modelCard(facts: CardFacts): string {
  const { model, evaluations, exportedStep } = facts
  const base = baseOf(model)
  const isNew = typeof model !== 'string'
  const untrained = exportedStep === 0 ? `\n${untrainedNote(evaluations)}\n` : ''
  const notes = facts.warnings.map((warning) => `- ${warning}\n`).join('')
  return `---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
- sentence-transformers
- transformers.js
- qontrast
- onnx
---

# ${base}, ${isNew ? 'trained from scratch' : 'fine-tuned'}

A sentence encoder trained with qontrast ${isNew ? 'from scratch' : `from \`${base}\``}.
${untrained}
Open it with \`loadEncoder('./this-folder')\`, with transformers.js, or with sentence-transformers 5.x and its
ONNX backend: \`SentenceTransformer('./this-folder', backend='onnx')\`. Its weights are in ONNX only, and
sentence-transformers 6.x has no Optimum to run them: use 5.x (\`pip install 'sentence-transformers[onnx]<6'\`).

## Training

| | |
|---|---|
${rowsOf(facts)
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}
${notes === '' ? '' : `\n${notes}`}
## Figures

${figuresOf(evaluations, exportedStep)}
`
}

/** The last part of the model's name: a path says more of its owner than of the model. */
function baseOf(model: CardFacts['model']): string {
  if (typeof model !== 'string') return model.name
  return model.split(/[/\\]/).findLast((part) => part !== '') ?? model
}

/** What is said where no step's weights were better than those before training. */
function untrainedNote(evaluations: readonly EvaluateEnd[]): string {
  const measured = evaluations.filter(({ step }) => step > 0).length
  return `None of the ${measured} measurements while training was better than the one before it, so these are the weights of the untrained model.`
}

/** The settings that were used, those of the loss and the optimizer among them. */
function rowsOf({ model, identity, plan, device }: CardFacts): [string, string][] {
  const { method: _, model: __, modelSha256, pairs, pairsSha256, metricSha256: ___, ...settings } = identity
  const { loss, optimizer, metric, earlierEpochs, epochs, cacheChunk, ...others } = settings
  const { count, smallest, largest } = plan.batches
  const size = smallest === largest ? largest : `${smallest} to ${largest}`
  const { name: lossName, ...lossSettings } = loss
  const { name: optimizerName, ...optimizerSettings } = optimizer
  const rows: Readonly<Record<string, unknown>>[] = [
    {
      base: `${baseOf(model)} (SHA-256 ${String(modelSha256).slice(0, 12)})`,
      pairs: `${plan.used} of ${pairs} used (SHA-256 ${String(pairsSha256).slice(0, 12)})`,
      epochs: [...earlierEpochs, epochs].join(', then '),
      steps: plan.steps,
      batches: `${count}, of ${size} pairs`,
      loss: lossName,
    },
    lossSettings, // a loss of a user's own may call a setting as a row is called
    { optimizer: optimizerName },
    optimizerSettings,
    {
      ...others,
      cacheChunk: cacheChunk ?? 'as the batch wants',
      metric,
      device,
    },
  ]
  return rows.flatMap((some) => Object.entries(some)).map(([name, value]) => [name, shown(value)])
}

/** A setting in a cell of a table. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(', ')
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).replaceAll('|', '\\|')
}

function figuresOf(evaluations: readonly EvaluateEnd[], exported: number): string {
  if (evaluations.length === 0) return 'It was not measured while it was trained.'
  const metrics = [...new Set(evaluations.flatMap((one) => Object.keys(one.metrics)))]
  const lines = evaluations.map(({ step, metrics: measured }) => {
    const values = metrics.map((metric) => measured[metric]?.toFixed(4) ?? '')
    return `| ${step === 0 ? 'before' : `step ${step}`}${step === exported ? ' (exported)' : ''} | ${values.join(' | ')} |`
  })
  return `| | ${metrics.join(' | ')} |\n|---|${metrics.map(() => '---|').join('')}\n${lines.join('\n')}`
}
