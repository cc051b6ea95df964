/** `"$schema"` in a JSON file names its schema for an editor (JSON Schema 2020-12 section 8.1.1); it is ignored. */
export function withoutEditorSchema(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('$schema' in value)) return value;
  const { $schema: _schema, ...rest } = value;
  return rest;
}
