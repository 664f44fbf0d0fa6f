import type { OpName } from '../../graph/index.ts'
import type { RuleEntry } from './rule.ts'
import { convolutionRules } from './rules/convolution.ts'
import { elementwiseRules } from './rules/elementwise.ts'
import { lookupRules } from './rules/lookup.ts'
import { matrixRules } from './rules/matrix.ts'
import { normRules } from './rules/norm.ts'
import { partRules } from './rules/parts.ts'
import { poolRules } from './rules/pool.ts'
import { reductionRules } from './rules/reduction.ts'
import { refusedOps, zeroOps } from './rules/refused.ts'
import { separableRules } from './rules/separable.ts'
import { shapeRules } from './rules/shape.ts'

/** How the gradient of every known operator is had; one that is missing does not compile. */
export const rules: Readonly<Record<OpName, RuleEntry>> = {
  ...elementwiseRules,
  ...matrixRules,
  ...reductionRules,
  ...normRules,
  ...convolutionRules,
  ...poolRules,
  ...separableRules,
  ...shapeRules,
  ...partRules,
  ...lookupRules,
  ...zeroOps,
  ...refusedOps,
}
