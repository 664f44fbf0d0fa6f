import { expect, test } from 'vitest'
import { type AttributeInput, createBuilder, type Dims, type GraphBuilder, type OpName } from '../../src/graph/index.ts'

interface Wrong {
  readonly op: OpName
  readonly dims: readonly Dims[]
  readonly attributes?: Readonly<Record<string, AttributeInput>>
  readonly more?: (g: GraphBuilder) => readonly string[]
  readonly says: RegExp
}

const image = ['batch', 3, 5, 5]
const conv = [image, [4, 3, 3, 3]]
const pads =
  (...values: number[]) =>
  (g: GraphBuilder) => [g.ints(values)]

const wrong: readonly Wrong[] = [
  {
    op: 'Conv',
    dims: [
      ['batch', 3, 2, 2],
      [4, 3, 3, 3],
    ],
    says: /window takes 3 places along axis 2, the image with its pads has 2/,
  },
  { op: 'Conv', dims: conv, attributes: { dilations: [1, 3] }, says: /window takes 7 places along axis 3/ },
  { op: 'Conv', dims: [image, [4, 2, 3, 3]], says: /channels differ: 3 and 2/ },
  {
    op: 'Conv',
    dims: [
      ['batch', 4, 5, 5],
      [3, 2, 3, 3],
    ],
    attributes: { group: 2 },
    says: /3 filters cannot be dealt out to 2 groups/,
  },
  { op: 'Conv', dims: [...conv, [5]], says: /biases and filters differ: 5 and 4/ },
  { op: 'Conv', dims: conv, attributes: { kernel_shape: [5, 5] }, says: /kernel_shape is not of the weights: 3 and 5/ },
  { op: 'Conv', dims: conv, attributes: { strides: [0, 1] }, says: /stride 0 .* cannot move/ },
  { op: 'Conv', dims: conv, attributes: { strides: [2] }, says: /strides \[2\] are not 2 numbers/ },
  { op: 'Conv', dims: conv, attributes: { pads: [1, 1] }, says: /pads \[1, 1\] are not 4 numbers/ },
  { op: 'Conv', dims: conv, attributes: { pads: [-1, 0, 0, 0] }, says: /must be at least 0/ },
  { op: 'Conv', dims: conv, attributes: { auto_pad: 'SAME' }, says: /auto_pad must be one of .*SAME_UPPER/ },
  {
    op: 'Conv',
    dims: conv,
    attributes: { auto_pad: 'SAME_UPPER', dilations: [2, 2] },
    says: /with dilations; give pads/,
  },
  {
    op: 'ConvTranspose',
    dims: [image, [3, 4, 3, 3]],
    attributes: { output_padding: [1, 1] },
    says: /less than the stride 1/,
  },
  {
    op: 'ConvTranspose',
    dims: [
      ['batch', 3, 1, 1],
      [3, 4, 3, 3],
    ],
    attributes: { pads: [2, 2, 2, 2] },
    says: /pads leave nothing along axis 2/,
  },
  {
    op: 'ConvTranspose',
    dims: [image, [3, 4, 3, 3]],
    attributes: { output_shape: [9, 7] },
    says: /windows reach 7 places along axis 2, not 9/,
  },
  { op: 'MaxPool', dims: [image], attributes: { kernel_shape: [6, 2] }, says: /window takes 6 places along axis 2/ },
  { op: 'MaxPool', dims: [image], says: /window has 0 axes and the image 2/ },
  {
    op: 'AveragePool',
    dims: [image],
    attributes: { kernel_shape: [2, 2], pads: [0, 2, 0, 0] },
    says: /must be less than the window of 2/,
  },
  { op: 'Pad', dims: [[2, 3]], more: pads(0, -2, 0, -1), says: /nothing is left along axis 1/ },
  { op: 'Pad', dims: [[2, 3]], more: pads(0, 3), says: /2 pads are not two for each of 2 axes/ },
  {
    op: 'Pad',
    dims: [[2, 3]],
    attributes: { mode: 'reflect' },
    more: pads(0, 3, 0, 0),
    says: /axis 1 of 3 cannot be mirrored 3 places/,
  },
  { op: 'Resize', dims: [[2, 3, 4, 4]], more: (g) => ['', '', g.ints([2, 3, 0, 4])], says: /nothing is left/ },
  { op: 'Resize', dims: [[2, 3, 4, 4]], more: (g) => ['', g.floats([1, 1, 2])], says: /3 sizes are given for 4 axes/ },
  {
    op: 'GroupNormalization',
    dims: [[2, 6, 4], [6], [6]],
    attributes: { num_groups: 4 },
    says: /6 channels cannot be dealt out to 4 groups/,
  },
  { op: 'BatchNormalization', dims: [[2, 6, 4], [5], [6], [6], [6]], says: /channels differ: 5 and 6/ },
  { op: 'InstanceNormalization', dims: [[2, 6, 4], [6], [5]], says: /channels differ: 5 and 6/ },
  { op: 'PRelu', dims: [[6, 1], [6]], says: /more slopes than values/ },
]

test.each(wrong)(
  '$op of $dims with $attributes is refused with the reason when it is written',
  ({ op, dims, attributes, more, says }) => {
    const g = createBuilder()
    const inputs = dims.map((own, i) => g.input(`x${i}`, { dtype: 'float32', dims: own }))
    const write = () => g.op(op, [...inputs, ...(more?.(g) ?? [])], attributes)
    expect(write).toThrow(expect.objectContaining({ code: 'model-invalid', message: expect.stringMatching(says) }))
  },
)
