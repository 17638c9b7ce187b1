// What the server sends to the SQL page.

export interface Result {
  columns: { name: string; type: string }[];
  rows: (string | number | boolean | null)[][];
  truncated: "rows" | "bytes" | null;
  as_of: string;
  seconds: number;
}

export interface Line {
  id: string;
  cells: Result["rows"][number];
}
