export { type Colour, type DecodeOptions, decodePicture } from './decode.ts'
export { type PictureFormatName, pictureExtensions, pictureFormats } from './formats.ts'
export { centerCropped, cropped, filled, type Raster } from './raster.ts'
export { type Resample, resized } from './resize.ts'
