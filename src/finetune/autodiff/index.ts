export { appendGradient, type GradientOptions } from './gradient.ts'
export type { InputGradient, Refusal, Rule, RuleContext, RuleEntry } from './rule.ts'
export { rules } from './rules.ts'
