/** `"$schema"` in a JSON file names the schema for its editor (JSON Schema 2020-12 section 8.1.1) and says nothing to us. */
export function withoutEditorSchema(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('$schema' in value)) return value;
  const { $schema: _schema, ...rest } = value;
  return rest;
}
