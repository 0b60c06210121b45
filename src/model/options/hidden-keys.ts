// Encryption keys in a tier definition: usable, but hidden from everything that prints or serializes the definition.
import { inspect } from 'node:util'
import { CacheError } from '../errors.js'
import { unknownName } from '../option-rules.js'
import { ownOptions } from '../own-options.js'
import type { EncryptOptions } from './tier-definition.js'

const NAMES = ['keys', 'active', 'padding']
/** A longer property name may be a key in the wrong place, so it is not shown. */
const LONGEST_SHOWN = 24

/** Returns the same options, hidden. Anything but an object is returned as it is, and refused later. Throws `INVALID_OPTION` for unknown names. */
export function hideKeys(options: EncryptOptions | undefined): EncryptOptions | undefined {
  if (typeof options !== 'object' || options === null || options instanceof HiddenKeys) return options
  const own = ownOptions(options)
  for (const name in own) {
    if (NAMES.includes(name)) continue
    if (name.length <= LONGEST_SHOWN) throw unknownName(name, NAMES, 'encrypt')
    throw new CacheError(
      'INVALID_OPTION',
      `encrypt has no option of ${name.length} characters. Known are ${NAMES.join(', ')}`,
    )
  }
  return new HiddenKeys(own)
}

class HiddenKeys implements EncryptOptions {
  readonly #options: EncryptOptions

  constructor(options: EncryptOptions) {
    this.#options = options
  }

  get keys(): EncryptOptions['keys'] {
    return this.#options.keys
  }

  get active(): string {
    return this.#options.active
  }

  get padding(): number | undefined {
    return this.#options.padding
  }

  toJSON(): string {
    return 'hidden'
  }

  [inspect.custom](): string {
    return '<encryption keys, hidden>'
  }
}
