// Makes foreign text (of a server, a getter, a schema, a user's key) safe for a message: short, and without characters that move the
// cursor of a terminal, begin a new line in a log or change the direction of the text.

const LONGEST = 300

/** Control and format characters, such as ESC, U+2028 and the bidirectional marks, and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Returns `text` in one line, cut to `longest` characters, with unprintable characters as escapes. */
export function foreignText(text: string, longest = LONGEST): string {
  // Cut first: escapes make the text longer, and it may be very long already.
  const cut = text.length > longest ? `${text.slice(0, longest - 3)}...` : text
  return cut.replace(UNPRINTABLE, escaped)
}

/** The reason in something that was thrown, safe for a message: the message of an error, else its text. Never throws. */
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
