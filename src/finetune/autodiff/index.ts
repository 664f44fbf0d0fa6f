export { appendGradient, type GradientOptions, hasZeroGradient } from './gradient.ts'
export type { InputGradient, JoinRule, Refusal, Rule, RuleContext, RuleEntry } from './rule.ts'
export { rules } from './rules.ts'
