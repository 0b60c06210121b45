// Whether the own name of a function or class will be the same in the next build.
import { isName } from '../../model/keys/key.js'

/** Names of functions without a name in the source. */
const NO_NAMES = ['', 'anonymous', 'default']
/** Minifiers give names of up to two letters first. */
const SHORT_NAME = 2
/** A bundle with thousands of names needs three letters too. People also use such names, so the code must look minified as well. */
const SHORTISH_NAME = 3

/**
 * Why the own name of a function or class cannot name entries, as the end of a sentence; `undefined` if it can. `source` is its source
 * text: minified code has no space before a brace or after an arrow.
 */
export function whyUnstable(name: string, source: string): string | undefined {
  if (NO_NAMES.includes(name)) return 'it has no name of its own'
  if (name.startsWith('bound '))
    return 'it is a bound function, and all bound functions of one name would share entries'
  if (!isName(name)) return `its own name ${JSON.stringify(name)} contains characters that are not allowed in a name`
  const isMinified = name.length <= SHORT_NAME || (name.length <= SHORTISH_NAME && MINIFIED.test(source))
  if (!isMinified) return undefined
  return `its own name ${JSON.stringify(name)} looks like one from a minifier: the next build may give it to another function, which would then return the results of this one`
}

const MINIFIED = /\)\{|=>\S/
