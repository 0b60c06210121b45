// What is known of a statement without a parser: its words. A suspicious word is refused wherever it stands, also in a text or a comment.
import type { Statement } from './statement.js'
import { timeRefusal } from './volatile.js'

const READS = /^\s*\(*\s*(?:select|with|values|table)\b/i
const WRITES =
  /\b(?:insert|update|delete|merge|replace|into|share|truncate|call|do|exec|execute|handler|lock|prepared)\b/i
const MOVING_WORD =
  /\b(?:current_date|current_time|current_timestamp|localtime|localtimestamp|sysdate|tablesample|utc_date|utc_time|utc_timestamp)\b/i
const MOVING_TEXT = /'\s*(?:now|today|tomorrow|yesterday)\s*'/i
const MOVING_CALL = new RegExp(
  `\\b(${[
    ...[
      'now',
      'age',
      'clock_timestamp',
      'statement_timestamp',
      'transaction_timestamp',
      'timeofday',
      'current_setting',
      'set_config',
    ],
    ...[
      'random',
      'gen_random_uuid',
      'uuid_generate_\\w+',
      'nextval',
      'setval',
      'currval',
      'lastval',
      'pg_\\w+',
      'txid_\\w+',
    ],
    ...[
      'rand',
      'uuid',
      'uuid_short',
      'curdate',
      'curtime',
      'unix_timestamp',
      'last_insert_id',
      'found_rows',
      'row_count',
      'sleep',
    ],
    ...['benchmark', 'get_lock', 'release_lock', 'connection_id', 'dblink\\w*'],
  ].join('|')})\\s*\\(`,
  'gi',
)

/** Judges a read whose tables the caller names. What its functions do is the caller's word. */
export function judgeWords(text: string, accepted: readonly string[]): Statement {
  return {
    kind: READS.test(text) ? 'read' : 'unknown',
    refusal: refusalOf(text, accepted),
    reads: undefined,
    writes: [],
    functions: undefined,
  }
}

function refusalOf(text: string, accepted: readonly string[]): string | undefined {
  if (/;\s*\S/.test(text)) return 'may be more than one statement'
  const write = WRITES.exec(text)
  if (write !== null)
    return `has the word ${write[0]}, and without a parser nobody knows what it does there. Use tables: 'parse'`
  const word = MOVING_WORD.exec(text) ?? MOVING_TEXT.exec(text)
  if (word !== null && !accepted.includes(word[0].toLowerCase())) return timeRefusal(word[0])
  for (const [, name = ''] of text.matchAll(MOVING_CALL)) {
    if (!accepted.includes(name.toLowerCase())) return timeRefusal(`${name}()`)
  }
  return undefined
}

const HARMLESS =
  /^\s*(?:begin|start|commit|end|rollback|abort|savepoint|release|set|reset|show|listen|unlisten|notify|fetch|move|close|deallocate|discard|use|explain)\b/i

/** Judges a statement that may write. Functions that write must be named by the caller. */
export function wordsWrite(text: string): Statement {
  const severalOrInto = /;\s*\S/.test(text) || WRITES.test(text)
  const kind = !severalOrInto && (HARMLESS.test(text) || READS.test(text)) ? 'harmless' : 'unknown'
  return { kind, reads: undefined, writes: [], functions: undefined }
}
