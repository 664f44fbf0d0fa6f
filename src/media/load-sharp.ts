import type sharp from 'sharp'
import { QontrastError } from '../shared/index.ts'
import { loaders } from './formats.ts'

let loading: Promise<typeof sharp> | undefined

/** libvips by sharp, loaded at its first use, with nothing open but the loaders of the formats that are listed. */
export function loadSharp(): Promise<typeof sharp> {
  loading ??= import('sharp').then(
    ({ default: library }) => {
      library.block({ operation: ['VipsForeignLoad'] })
      library.unblock({ operation: [...loaders] })
      library.cache(false)
      return library
    },
    (cause: unknown) => {
      loading = undefined
      throw new QontrastError('dependency-missing', 'Pictures need the package sharp: npm install sharp', { cause })
    },
  )
  return loading
}
