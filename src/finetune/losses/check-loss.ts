import { QontrastError } from '../../shared/index.ts'
import { roles } from '../optimizer/parameter.ts'
import type { Loss } from './loss.ts'

/** `invalid-option` for a loss that is not whole, as a caller without types may give one, or that wants what pairs do not have. */
export function checkLoss(loss: Loss): void {
  const { name, settings, columns = [], parameters = {}, build } = loss
  const refuse = (reason: string) => {
    throw new QontrastError('invalid-option', `The loss '${String(name)}' ${reason}`)
  }
  if (typeof name !== 'string' || name === '') refuse('has no name. Give it one, as name: "triplet".')
  if (typeof build !== 'function') refuse('has no build(g, values), which writes its graph.')
  if (typeof settings !== 'object' || settings === null)
    refuse('has no settings. Say what it was made with, as settings: { margin: 0.2 }; {} where there is nothing.')
  if (Object.hasOwn(settings, 'name'))
    refuse("has a setting 'name', which is what losses are called by. Call it otherwise.")
  for (const [parameter, { role }] of Object.entries(parameters)) {
    if (!Object.hasOwn(roles, role))
      refuse(`learns '${parameter}' of the role '${String(role)}'. A role is one of ${Object.keys(roles).join(', ')}.`)
  }
  if (columns.length > 0)
    refuse(`wants ${columns.join(', ')}, which pairs do not have. InfoNCE takes pairs as they are.`)
}
