// Text that others wrote (a server, a getter, a schema, a user's key) as it may stand in a message: no character that moves a terminal's
// cursor, begins a line of a log or turns the direction of what follows, and no megabyte.

const LONGEST = 300

/** Control and format characters (ESC, U+2028 and the bidirectional ones among them), and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** `text` in one line, what cannot be printed as escapes, cut after `longest` characters. */
export function foreignText(text: string, longest = LONGEST): string {
  // Cut first: escapes make the text longer, and nobody knows how long it is.
  const cut = text.length > longest ? `${text.slice(0, longest - 3)}...` : text
  return cut.replace(UNPRINTABLE, escaped)
}

/** What was thrown, as it may stand in a message: an error's own message, else the text of it. Never throws. */
export function foreignReason(thrown: unknown): string {
  try {
    return foreignText(thrown instanceof Error ? thrown.message : String(thrown))
  } catch {
    return 'something that cannot be shown'
  }
}

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}
