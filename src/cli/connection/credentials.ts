// What a URL says beside the address. Pure.

/** How to log in at a server. */
export interface Credentials {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly usesTls: boolean
}

export function credentialsIn({ username, password, protocol }: URL): Credentials {
  return {
    username: username === '' ? undefined : decodeURIComponent(username),
    password: password === '' ? undefined : decodeURIComponent(password),
    usesTls: protocol === 'rediss:',
  }
}
