// Express 4 under its alias. What the tests use of it is the same in both versions.
declare module 'express4' {
  export { default } from 'express'
}
