import path from 'node:path'
import * as vitest from 'vitest'
import { expect, test } from 'vitest'
import { defaultLimits } from '../../src/api/limits.ts'
import { createMetrics } from '../../src/api/metrics.ts'
import { serveEncoder } from '../../src/api/served-encoder.ts'
import { delegateEncoder } from '../../src/embed/index.ts'
import { loadEncoder } from '../../src/main.ts'
import { encoderSuite } from '../../src/testing/index.ts'
import { ClassEncoder } from '../support/class-encoder.ts'
import { imageZooFolder, picturePath } from '../support/image-zoo.ts'
import { fixtures } from '../support/training.ts'

const model = (name: string) => () => loadEncoder(path.join(fixtures, 'models', name), { device: 'cpu', workers: 1 })

encoderSuite(vitest, { name: 'a transformer', open: model('bert-tracing') })
encoderSuite(vitest, {
  name: 'a transformer that pads on the left, cut to some dimensions',
  open: () => loadEncoder(path.join(fixtures, 'models', 'bert-left-padding'), { device: 'cpu', dimensions: 24 }),
})
encoderSuite(vitest, { name: 'a table of token vectors', open: () => loadEncoder() })
const pictures = ['photo.jpg', 'grey.jpg', 'turned-6.jpg', 'palette.png'].map((name) => ({
  image: { path: picturePath(name) },
}))
const [towers, plain] = [await imageZooFolder('clip'), await imageZooFolder('vit')]
encoderSuite(vitest, { name: 'a model of pictures', open: () => loadEncoder(plain, { workers: 1 }), inputs: pictures })
encoderSuite(vitest, {
  name: 'a tower for pictures beside one for texts',
  open: () => loadEncoder(towers, { workers: 1 }),
  inputs: ['a photo of a cat', ...pictures, 'two dogs in the snow'],
})
encoderSuite(vitest, { name: 'a class', open: async () => new ClassEncoder() })
encoderSuite(vitest, {
  name: 'a class that reads pictures',
  open: async () => new ClassEncoder(['image']),
  inputs: ['a', 'bc', 'd', 'e'].map((path) => ({ image: { path } })),
})
encoderSuite(vitest, {
  name: 'a class behind another encoder',
  open: async () => delegateEncoder(new ClassEncoder(), {}),
})
encoderSuite(vitest, {
  name: 'a class behind the queue of a server',
  async open() {
    const metrics = createMetrics({ openStreams: () => 0, requestsInFlight: () => 0 })
    return serveEncoder('m', new ClassEncoder(), { limits: { ...defaultLimits, tokensPerText: 1e6 }, metrics })
  },
})

test('what an encoder has beside the least, one that stands for it has too', async () => {
  const encoder = delegateEncoder(new ClassEncoder(), { close: async () => {} })
  expect(encoder).toMatchObject({ name: 'class of text', dimensions: 16, accepts: new Set(['text']) })
  expect(encoder.text?.countTokens('two words')).toBe(2)
  await encoder.close()
  expect((await encoder.encode(['still open'])).rows).toBe(1)
})
