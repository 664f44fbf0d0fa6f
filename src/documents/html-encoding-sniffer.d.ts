declare module 'html-encoding-sniffer' {
  /** The name of the encoding of an HTML page (or, asked for, an XML file), by its mark, its declaration, or the default. */
  export default function sniffHtmlEncoding(
    bytes: Uint8Array,
    options?: {
      xml?: boolean
      defaultEncoding?: string
      maxPrescanBytes?: number
      transportLayerEncodingLabel?: string
    },
  ): string
}
