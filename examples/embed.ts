/** Turn texts into vectors and compare them. */
import { loadEncoder } from 'qontrast'

const encoder = await loadEncoder()
const texts = [
  'How is asthma treated?',
  'Inhalers open the airways of people with asthma.',
  'The moon orbits the earth.',
]
const vectors = await encoder.encode(texts)

const [question, ...answers] = texts.map((_, i) => vectors.row(i))
for (const [i, answer] of answers.entries()) {
  const cosine = question?.reduce((sum, x, d) => sum + x * (answer[d] ?? 0), 0)
  console.log(cosine?.toFixed(3), texts[i + 1])
}

await encoder.close()
