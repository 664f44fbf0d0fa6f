/** A format of pictures: how its files are named, and what reads it in libvips. */
interface PictureFormat {
  readonly type: string
  readonly extensions: readonly string[]
  readonly loader: string
}

export const pictureFormats = {
  jpeg: { type: 'image/jpeg', extensions: ['.jpg', '.jpeg', '.jfif'], loader: 'VipsForeignLoadJpeg' },
  png: { type: 'image/png', extensions: ['.png'], loader: 'VipsForeignLoadPng' },
  webp: { type: 'image/webp', extensions: ['.webp'], loader: 'VipsForeignLoadWebp' },
  gif: { type: 'image/gif', extensions: ['.gif'], loader: 'VipsForeignLoadNsgif' },
  avif: { type: 'image/avif', extensions: ['.avif'], loader: 'VipsForeignLoadHeif' },
  svg: { type: 'image/svg+xml', extensions: ['.svg'], loader: 'VipsForeignLoadSvg' },
  tiff: { type: 'image/tiff', extensions: ['.tif', '.tiff'], loader: 'VipsForeignLoadTiff' },
} as const satisfies Record<string, PictureFormat>

export type PictureFormatName = keyof typeof pictureFormats

export const pictureExtensions: ReadonlySet<string> = new Set(
  Object.values(pictureFormats).flatMap(({ extensions }): readonly string[] => extensions),
)
export const loaders: readonly string[] = Object.values(pictureFormats).map(({ loader }) => loader)
