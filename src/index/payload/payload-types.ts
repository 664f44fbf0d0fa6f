import type { Document, JsonObject, JsonValue } from '../../shared/index.ts'
import type { FieldType } from '../filter/fields.ts'
import type { Filter, PlainFilter as LooseFilter, FilterInput as LooseInput } from '../filter/index.ts'

/** True where nothing is said about a payload: everything is as loose as JSON then. */
type IsLoose<Payload> = JsonObject extends Payload ? true : false

/** What a payload comes back as: dates as ISO 8601 strings, bigints as their digits, everything else as it was. */
export type StoredPayload<Payload> = Payload extends Stored<Payload> ? Payload : Stored<Payload>
type Stored<T> = JsonValue extends T
  ? T
  : T extends Date | bigint
    ? string
    : T extends object
      ? { [K in keyof T]: Stored<T[K]> }
      : T

/** A document as it is put; where no payload is declared, with whatever object can be written as JSON. */
export type DocumentInput<Payload extends object = JsonObject> =
  IsLoose<Payload> extends true ? Document<object> : Document<Payload>

/** What documents may come in; arrays apart, so that a key that is none is found in those that are written out. */
export type DocumentInputs<Payload extends object = JsonObject> =
  | readonly DocumentInput<Payload>[]
  | (Iterable<DocumentInput<Payload>> & { readonly concat?: never })
  | AsyncIterable<DocumentInput<Payload>>

/** Declared fields: keys of the payload, each of a type that its values have. */
export type FieldsOf<Payload extends object = JsonObject> =
  IsLoose<Payload> extends true
    ? Readonly<Record<string, FieldType>>
    : { readonly [K in keyof Payload & string]?: FieldTypeOf<ElementOf<Payload[K]>> }

interface FieldTypes {
  readonly keyword: string | Date
  readonly number: number
  readonly boolean: boolean
  readonly date: string | Date
}
type FieldTypeOf<Value> = unknown extends Value
  ? FieldType
  : { [Type in FieldType]: [Extract<Value, FieldTypes[Type]>] extends [never] ? never : Type }[FieldType]

/** Elements of lists, other values themselves; neither null nor undefined. */
type ElementOf<Value> = unknown extends Value
  ? Value
  : NonNullable<Value> extends infer Known
    ? Known extends readonly (infer Element)[]
      ? NonNullable<Element>
      : Known
    : never

type Comparable<Element> = Element extends Date
  ? Date | string
  : Element extends string | number | boolean
    ? Element
    : never
type Limit<Element> = Element extends Date | string ? Date | string : Element extends number ? number : never
type Text<Element> = Extract<Element, string>

interface Limits<Value> {
  readonly gt?: Value
  readonly gte?: Value
  readonly lt?: Value
  readonly lte?: Value
}
interface Equalities<Value> {
  readonly eq?: Value
  readonly in?: readonly Value[]
}
interface Containing {
  readonly contains?: string
}
interface Existing {
  readonly exists?: boolean
}

type Operators<Element> = Existing &
  ([Comparable<Element>] extends [never] ? unknown : Equalities<Comparable<Element>>) &
  ([Limit<Element>] extends [never] ? unknown : Limits<Limit<Element>>) &
  ([Text<Element>] extends [never] ? unknown : Containing)

type ConditionOn<Element> = unknown extends Element
  ? LooseFilter[string]
  : JsonValue extends Element
    ? LooseFilter[string]
    : Comparable<Element> | readonly Comparable<Element>[] | Operators<Element>

/**
 * The plain form of a filter: fields with a value, a list (one of them) or operators, all of which hold; `$and`, `$or` and `$not` combine.
 * Of a declared payload only its keys, with values of their types; nested fields are reached by builders: `eq(['author', 'name'], 'Ada')`.
 */
export type PlainFilter<Payload extends object = JsonObject> =
  IsLoose<Payload> extends true
    ? LooseFilter
    : { readonly [K in keyof Payload & string]?: ConditionOn<ElementOf<Payload[K]>> } & {
        readonly $and?: readonly FilterInput<Payload>[]
        readonly $or?: readonly FilterInput<Payload>[]
        readonly $not?: FilterInput<Payload>
      }

/** A filter in either form: plain, or made by `eq`, `and` and the like. */
export type FilterInput<Payload extends object = JsonObject> =
  IsLoose<Payload> extends true ? LooseInput : Filter | PlainFilter<Payload>
