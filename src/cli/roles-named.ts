import { InvalidArgumentError } from 'commander'

/** Reads `role=name,role=name`, where names may hold commas. */
export function rolesNamed<Role extends string>(
  text: string,
  roles: readonly Role[],
): readonly { readonly role: Role; readonly name: string }[] {
  return text.split(/,(?=\s*\w+\s*=)/).map((part) => {
    const [, given = '', name = ''] = /^\s*(\w+)\s*=(.*)$/s.exec(part) ?? []
    const role = roles.find((known) => known === given)
    if (role !== undefined && name.trim() !== '') return { role, name: name.trim() }
    throw new InvalidArgumentError(`role=name is expected, with one of the roles ${roles.join(', ')}.`)
  })
}
