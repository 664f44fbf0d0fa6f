export { appendGradient, type GradientOptions, hasZeroGradient } from './gradient.ts'
export {
  type InputGradient,
  type JoinRule,
  type Refusal,
  type Rule,
  type RuleContext,
  type RuleEntry,
  untrainable,
} from './rule.ts'
export { rules } from './rules.ts'
