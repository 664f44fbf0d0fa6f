import { lancedb } from '../../../src/index/stores/lancedb.ts'
import { qdrant } from '../../../src/index/stores/qdrant.ts'
import { describeRaces } from '../../contract/races.ts'
import { qdrantProgram, startQdrant } from '../../support/qdrant-server.ts'
import { temporaryFolder } from '../../support/temporary.ts'

describeRaces('LanceDB', async () => {
  const path = await temporaryFolder()
  return { location: path, open: () => lancedb({ path }), dispose: async () => {} }
})

const program = qdrantProgram()
if (!program) console.log('skipped: races on a Qdrant server: no qdrant on PATH')
else {
  describeRaces('Qdrant', async () => {
    const { url, close } = await startQdrant(program)
    return { location: url.replace('http:', 'qdrant:'), open: () => qdrant({ url }), dispose: close }
  })
}
