// Functions and words whose results change by themselves although the catalogue calls them stable, or although there is no catalogue.

/** A text that PostgreSQL reads as a date that moves. */
export const TIME_WORD = /^\s*(?:now|today|tomorrow|yesterday)\s*$/i

/** Stable within one statement, and different in the next one. */
const MOVING =
  /^(?:now|transaction_timestamp|statement_timestamp|age|current_setting|currval|lastval|current_query|query_to_xml.*|pg_.*|txid_.*|inet_.*|has_.*_privilege|row_security_active)$/

/** Functions of PostgreSQL that only look at their arguments although their name is that of those above. */
const STILL =
  /^(?:pg_column_size|pg_size_pretty|pg_size_bytes|pg_typeof|pg_char_to_encoding|pg_encoding_to_char|pg_lsn_.*|inet_merge|inet_same_family)$/

/** Why a built-in function that is not volatile forbids to keep a result; `undefined` if it does not. */
export function movingRefusal(name: string): string | undefined {
  if (!MOVING.test(name) || STILL.test(name)) return undefined
  return timeRefusal(`${name}()`)
}

/** The refusal for what changes by itself. */
export function timeRefusal(what: string): string {
  return `contains ${what}, which changes by itself. Pass the value as a parameter, or accept it with functions`
}
