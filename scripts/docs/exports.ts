// The exports of every entry as the TypeScript compiler sees them, with their docs: what the reference is written from.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { entries } from '../subpaths.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const FORMAT = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope

export interface Member {
  readonly name: string
  readonly type: string
  readonly isOptional: boolean
  readonly doc: string
}

export interface Export {
  readonly name: string
  readonly kind: 'function' | 'class' | 'interface' | 'type' | 'constant'
  /** As one would write it. */
  readonly signature: string
  readonly doc: string
  readonly members: readonly Member[]
}

/** The exports of each entry, by the name that users import. */
export function readExports(): Map<string, Export[]> {
  const files = Object.entries(entries()).map(([name, source]) => ({ name, path: join(ROOT, source) }))
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    ROOT,
  )
  const program = ts.createProgram(
    files.map(({ path }) => path),
    options,
  )
  const reader = new ExportReader(program.getTypeChecker())
  return new Map(
    files.map(({ name, path }) => {
      const source = program.getSourceFile(path)
      if (source === undefined) throw new Error(`${path} is not part of the program`)
      return [name === 'index' ? 'tiercache' : `tiercache/${name}`, reader.exportsOf(source)]
    }),
  )
}

class ExportReader {
  constructor(private readonly checker: ts.TypeChecker) {}

  exportsOf(source: ts.SourceFile): Export[] {
    const module = this.checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`${source.fileName} exports nothing`)
    return this.checker
      .getExportsOfModule(module)
      .map((symbol) => this.read(symbol))
      .sort((a, b) => a.name.localeCompare(b.name, 'en'))
  }

  private read(exported: ts.Symbol): Export {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0
    const symbol = isAlias ? this.checker.getAliasedSymbol(exported) : exported
    const declaration = symbol.declarations?.[0]
    if (declaration === undefined) throw new Error(`${exported.name} is declared nowhere`)
    const kind = kindOf(declaration)
    return {
      name: exported.name,
      kind,
      signature: this.signatureOf(symbol, declaration, kind),
      doc: this.docOf(symbol),
      members: this.membersOf(symbol, declaration, kind),
    }
  }

  private signatureOf(symbol: ts.Symbol, declaration: ts.Declaration, kind: Export['kind']): string {
    if (kind === 'type') return declaration.getText().replace(/^export /, '')
    if (kind !== 'function') return ''
    const type = this.checker.getTypeOfSymbolAtLocation(symbol, declaration)
    return type
      .getCallSignatures()
      .map((one) => this.checker.signatureToString(one, declaration, ts.TypeFormatFlags.NoTruncation))
      .map((text) => `function ${symbol.name}${text}`)
      .join('\n')
  }

  /** Members that a user may use, inherited ones included: those declared in this repository, without private ones. */
  private membersOf(symbol: ts.Symbol, declaration: ts.Declaration, kind: Export['kind']): Member[] {
    const isObject = kind === 'type' && ts.isTypeAliasDeclaration(declaration) && isObjectLike(declaration.type)
    if (kind !== 'interface' && kind !== 'class' && !isObject) return []
    return this.checker
      .getPropertiesOfType(this.checker.getDeclaredTypeOfSymbol(symbol))
      .filter((member) => isPublic(member))
      .map((member) => {
        const place = member.valueDeclaration ?? member.declarations?.[0] ?? declaration
        const type = this.checker.getTypeOfSymbolAtLocation(member, place)
        return {
          name: nameOf(member),
          type: this.checker.typeToString(type, declaration, FORMAT),
          isOptional: (member.flags & ts.SymbolFlags.Optional) !== 0,
          doc: this.docOf(member),
        }
      })
  }

  private docOf(symbol: ts.Symbol): string {
    return ts.displayPartsToString(symbol.getDocumentationComment(this.checker)).trim()
  }
}

function kindOf(declaration: ts.Declaration): Export['kind'] {
  if (ts.isFunctionDeclaration(declaration)) return 'function'
  if (ts.isClassDeclaration(declaration)) return 'class'
  if (ts.isInterfaceDeclaration(declaration)) return 'interface'
  if (ts.isTypeAliasDeclaration(declaration)) return 'type'
  return 'constant'
}

function isObjectLike(node: ts.TypeNode): boolean {
  return ts.isTypeLiteralNode(node) || (ts.isIntersectionTypeNode(node) && node.types.every(isObjectLike))
}

function isPublic(member: ts.Symbol): boolean {
  const declarations = member.declarations ?? []
  if (declarations.some((one) => one.getSourceFile().fileName.includes('/node_modules/'))) return false
  return declarations.every((one) => {
    const modifiers = ts.getCombinedModifierFlags(one)
    const isHidden = (modifiers & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0
    const name = ts.getNameOfDeclaration(one)
    return !isHidden && !(name !== undefined && ts.isPrivateIdentifier(name))
  })
}

/** Well-known symbols are written as users write them. */
function nameOf(member: ts.Symbol): string {
  return member.name.replace(/^__@(\w+)@\d+$/, '[Symbol.$1]')
}
