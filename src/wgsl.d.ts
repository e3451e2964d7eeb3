declare module '*.wgsl?raw' {
  const text: string;
  export default text;
}

interface ImportMeta {
  /** Vite's: every file of the patterns, by path. */
  glob<T>(patterns: readonly string[], options: { query: '?raw'; import: 'default'; eager: true }): Record<string, T>;
}
