// The reference: a page for each entry, written from its types and their docs.
import type { Export, Member } from './exports.js'

const HEADINGS: readonly { readonly kinds: readonly Export['kind'][]; readonly heading: string }[] = [
  { kinds: ['function', 'constant'], heading: 'Functions and constants' },
  { kinds: ['class'], heading: 'Classes' },
  { kinds: ['interface', 'type'], heading: 'Types' },
]

/** The name of an entry's page in docs/reference, such as `tiercache-redis.md`. */
export function pageNameOf(entry: string): string {
  return `${entry.replace('/', '-')}.md`
}

export function referencePage(entry: string, exports: readonly Export[]): string {
  const sections = HEADINGS.flatMap(({ kinds, heading }) => {
    const those = exports.filter(({ kind }) => kinds.includes(kind))
    return those.length === 0 ? [] : [`## ${heading}`, ...those.map(sectionOf)]
  })
  const head = [
    `# \`${entry}\``,
    `Written from the types by \`npm run reference\`. [API](../api.md) has the same in an order to read, with what to use when.`,
  ]
  return `${[...head, ...sections].join('\n\n')}\n`
}

function sectionOf({ name, signature, doc, members }: Export): string {
  const parts = [`### \`${name}\``, text(doc)]
  if (signature !== '') parts.push(`\`\`\`ts\n${signature}\n\`\`\``)
  if (members.length > 0) parts.push(['| member | type | |', '|---|---|---|', ...members.map(rowOf)].join('\n'))
  return parts.filter((part) => part !== '').join('\n\n')
}

function rowOf({ name, type, isOptional, doc }: Member): string {
  return `| \`${name}${isOptional ? '?' : ''}\` | ${code(type)} | ${text(doc)
    .replaceAll('|', '\\|')
    .replaceAll(/\s*\n\s*/g, ' ')} |`
}

/** A type in a cell of a table. */
function code(type: string): string {
  return `\`${type.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')}\``
}

/** Prose of a docstring: what looks like a tag of HTML is text, and its own links lead nowhere from here. */
function text(doc: string): string {
  return doc
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;').replaceAll('{{', '{&#123;')))
    .join('')
}
