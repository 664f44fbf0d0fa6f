const dateForm = /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)$/
const timeForm = /^(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i
/** What a Date can hold, in milliseconds to either side of 1970. */
const furthest = 8.64e15

/** How a date is written, for messages. */
export const dateForms = 'ISO 8601, such as 2024-05-31, 2024-05-31T12:00 (UTC) or 2024-05-31T12:00:00+02:00'

/**
 * The instant that an ISO 8601 string names, in milliseconds since 1970, fractions included; undefined for any other string. A date alone
 * is its midnight in UTC; a time without offset is in UTC. Years and months alone, week dates and ordinal dates are no instants.
 */
export function momentOf(text: string): number | undefined {
  if (text.length < 10 || text.length > 48) return undefined
  const separator = text.search(/[Tt ]/)
  const day = dayOf(separator === -1 ? text : text.slice(0, separator))
  if (day === undefined || separator === -1) return day
  const time = timeOf(text.slice(separator + 1))
  if (!time) return undefined
  const moment = day + time.whole + time.fraction // whole first: one instant written in two ways rounds alike
  return Math.abs(moment) > furthest ? undefined : moment
}

function dayOf(text: string): number | undefined {
  const [, year = '', month = '', day = ''] = dateForm.exec(text) ?? []
  if (year === '' || year === '-000000') return undefined
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  const exists = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
  return exists ? date.getTime() : undefined
}

/** Milliseconds since midnight, in UTC. */
function timeOf(text: string): { whole: number; fraction: number } | undefined {
  const found = timeForm.exec(text)
  if (!found) return undefined
  const [, hours, minutes, seconds = '0', fraction = '', offset = 'Z'] = found
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  const shift = offsetOf(offset)
  if (shift === undefined) return undefined
  const whole = ((Number(hours) * 60 + Number(minutes) - shift) * 60 + Number(seconds)) * 1_000
  return { whole, fraction: Number(`0.${fraction || 0}`) * 1_000 }
}

/** Minutes east of Greenwich. */
function offsetOf(text: string): number | undefined {
  if (text.toUpperCase() === 'Z') return 0
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(3).replace(':', '') || 0)]
  if (hours > 23 || minutes > 59) return undefined
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
