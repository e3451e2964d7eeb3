/** Files as people have them, small: what each is read as, refused for, or asked. */
export interface FileForm {
  name: string;
  /** Text, or the bytes themselves. */
  file: string | Uint8Array;
  options?: object;
  /** Rows of numbers. */
  rows?: number[][];
  columns?: string[];
  labels?: (number | string)[];
  /** In the notes. */
  says?: string;
  /** The sentence, and where it points. */
  refuses?: string;
  line?: number;
  column?: number;
  /** The option that is asked for. */
  asks?: string;
}

const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const utf16 = (text: string, isBig = false, hasMark = true) =>
  Uint8Array.from([...(hasMark ? '\uFEFF' : ''), ...text].flatMap((letter) => {
    const unit = letter.charCodeAt(0);
    return isBig ? [unit >> 8, unit & 255] : [unit & 255, unit >> 8];
  }));

const FOUR = [[1, 2], [3, 4]];
const HALVES = [[1.5, 2.5], [3.5, 4.5]];

export const FORMS: FileForm[] = [
  // pandas
  { name: 'pandas to_csv', file: ',a,b\n0,1.5,2.5\n1,3.5,4.5\n', rows: HALVES, columns: ['a', 'b'], says: 'Column 1 counts or names the rows and is left out' },
  { name: 'pandas to_csv, index kept', file: ',a,b\n0,1.5,2.5\n1,3.5,4.5\n', options: { omit: [] }, rows: [[0, 1.5, 2.5], [1, 3.5, 4.5]],
    columns: ['', 'a', 'b'] },
  { name: 'pandas to_csv after a shuffle', file: ',a,b\n17,1.5,2.5\n4,3.5,4.5\n', rows: HALVES, columns: ['a', 'b'] },
  { name: 'pandas to_csv read and saved again', file: 'Unnamed: 0,a,b\n0,1.5,2.5\n1,3.5,4.5\n', rows: HALVES, columns: ['a', 'b'] },
  { name: 'pandas index of words', file: ',a,b\nx,1.5,2.5\ny,3.5,4.5\n', rows: HALVES, columns: ['a', 'b'] },
  { name: 'pandas index of decimals', file: ',a,b\n0.5,1.5,2.5\n0.7,3.5,4.5\n', asks: 'omit', column: 1 },
  { name: 'pandas of an array', file: '0,1,2\n1.5,2.5,3.5\n4.5,5.5,6.5\n', rows: [[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]], columns: ['0', '1', '2'] },
  { name: 'pandas of an array with its index', file: ',0,1\n0,1.5,2.5\n1,3.5,4.5\n', rows: HALVES, columns: ['0', '1'] },
  { name: 'pandas of an array and a label', file: '0,1,label\n1.5,2.5,0\n3.5,4.5,1\n', options: { label: 'label' }, rows: HALVES, labels: [0, 1],
    columns: ['0', '1'] },
  { name: 'pandas of whole numbers', file: '0,1,2\n1,2,3\n4,5,6\n7,8,9\n', asks: 'header', line: 1 },
  { name: 'pandas of whole numbers, told', file: '0,1\n7,2\n4,5\n', options: { header: true }, rows: [[7, 2], [4, 5]], columns: ['0', '1'] },
  { name: 'the same, told otherwise', file: '0,1\n7,2\n4,5\n', options: { header: false }, rows: [[0, 1], [7, 2], [4, 5]] },
  { name: 'pandas of digits: twelve whole columns', file: `${Array.from({ length: 12 }, (_, i) => i)}\n${'5,'.repeat(11)}5\n`,
    rows: [Array<number>(12).fill(5)], columns: Array.from({ length: 12 }, (_, i) => String(i)) },
  { name: 'pandas of one column', file: '0\n1.5\n2.5\n', asks: 'header' },
  { name: 'pandas na_rep', file: 'a,b\n1,2\n<NA>,4\n', refuses: 'line 3, column 1 is "<NA>", needs a finite number', line: 3, column: 1 },
  { name: 'pandas, quoted', file: '"a","b"\n"1","2"\n"3","4"\n', rows: FOUR, columns: ['a', 'b'] },
  { name: 'pandas QUOTE_NONNUMERIC', file: '"0","1"\n1.0,2.0\n3.0,4.0\n', rows: FOUR, columns: ['0', '1'] },
  { name: 'pandas columns of two levels', file: 'a,a\nx,y\n1,2\n3,4\n', rows: FOUR, columns: ['a', 'a'], says: 'Line 2' },
  { name: 'pandas columns of years', file: 'country,2019,2020,2021\nNorway,5,6,7\nSweden,7,9,2\n', asks: 'header' },
  // R
  { name: 'R write.csv', file: '"","a","b"\n"1",1.5,2.5\n"2",3.5,4.5\n', rows: HALVES, columns: ['a', 'b'] },
  { name: 'R write.csv, rows named', file: '"","a","b"\n"Mazda RX4",1.5,2.5\n"Fiat 128",3.5,4.5\n', rows: HALVES, columns: ['a', 'b'] },
  { name: 'R write.table', file: '"a" "b"\n"1" 1.5 2.5\n"2" 3.5 4.5\n', rows: HALVES, columns: ['a', 'b'], says: 'Column 1 counts or names the rows' },
  { name: 'R write.table, its row names kept', file: '"a" "b"\n"x" 1.5 2.5\n"1" 3.5 4.5\n', options: { omit: [] },
    refuses: 'line 2, column 1 is "x", needs a number' },
  { name: 'R write.table, quote = FALSE', file: 'a b\n1 1.5 2.5\n2 3.5 4.5\n', rows: HALVES, columns: ['a', 'b'] },
  { name: 'R write.table, tabs', file: 'a\tb\nx\t1.5\t2.5\ny\t3.5\t4.5\n', rows: HALVES, columns: ['a', 'b'] },
  { name: 'R write.table, rows named, no header', file: '"1" 1.5 2.5\n"2" 3.5 4.5\n"3" 5.5 6.5\n', rows: [...HALVES, [5.5, 6.5]] },
  { name: 'R write.csv2', file: '"a";"b"\n1,5;2,5\n3,5;4,5\n', rows: HALVES, columns: ['a', 'b'], says: 'The comma is a decimal one' },
  { name: 'R NA', file: '"a","b"\n1,NA\n3,4\n', refuses: 'line 2, column 2 is "NA"' },
  { name: 'R prints', file: '[1] 1.5 2.5 3.5\n', refuses: 'is what R prints' },
  // scikit-learn
  { name: 'iris.csv', file: '4,2,setosa,versicolor\n5.1,3.5,0\n4.9,3.1,0\n7.1,3.2,1\n6.4,3.2,1\n', options: { label: -1 },
    rows: [[5.1, 3.5], [4.9, 3.1], [7.1, 3.2], [6.4, 3.2]].map((row) => row.map(Math.fround)), labels: [0, 0, 1, 1] },
  { name: 'iris.csv, as wide as its data', file: '2,4,setosa,versicolor,virginica\n5,3,1,0,0\n4,3,1,0,1\n', rows: [[5, 3, 1, 0, 0], [4, 3, 1, 0, 1]] },
  { name: 'iris.csv, cut short', file: '150,2,setosa,versicolor\n5,3,0\n4,3,1\n', refuses: 'says in line 1 that it has 150 rows and has 2', line: 1 },
  { name: 'boston_house_prices.csv: counts, then names', file: '2,2,\n"CRIM","ZN","MEDV"\n1,2,3\n4,5,6\n', rows: [[1, 2, 3], [4, 5, 6]],
    columns: ['CRIM', 'ZN', 'MEDV'] },
  { name: 'linnerud: blanks', file: 'Chins Situps Jumps\n5 162 60\n2 110 60\n', rows: [[5, 162, 60], [2, 110, 60]], columns: ['Chins', 'Situps', 'Jumps'] },
  { name: 'word2vec: counts above words', file: '2 2\nking 1.5 2.5\nqueen 3.5 4.5\n', options: { text: 'drop' }, rows: HALVES },
  // NumPy, MATLAB, Octave
  { name: 'savetxt', file: '1.500000000000000000e+00 2.5e+00\n3.5e+00 4.500000000000000000e+00\n', rows: HALVES },
  { name: 'savetxt, header', file: '# a b\n1.5 2.5\n3.5 4.5\n', rows: HALVES, columns: ['a', 'b'] },
  { name: 'savetxt, delimiter and header', file: '# a,b\n1,2\n3,4\n', rows: FOUR, columns: ['a', 'b'] },
  { name: 'savetxt, nan', file: '1.5 nan\n3.5 4.5\n', refuses: 'line 1, column 2 is "nan", needs a finite number' },
  { name: 'aligned columns', file: '   1.5   2.5\n  -3.5  14.5\n', rows: [[1.5, 2.5], [-3.5, 14.5]] },
  { name: 'MATLAB -ascii', file: '   1.5000000e+00   2.5000000e+00\n   3.5000000e+00   4.5000000e+00\n', rows: HALVES },
  { name: 'MATLAB comments', file: '% made by hand\n1,2\n3,4\n', rows: FOUR, says: 'Lines that begin with % are comments' },
  { name: 'Octave text', file: '# Created by Octave 8.4\n# name: x\n# type: matrix\n# rows: 2\n# columns: 2\n 1.5 2.5\n 3.5 4.5\n\n\n', rows: HALVES },
  { name: 'a comment between', file: 'a,b\n1,2\n# the second half\n3,4\n', rows: FOUR },
  { name: 'a name that begins with #', file: '#,a,b\n1,1.5,2.5\n2,3.5,4.5\n', options: { omit: [0] }, rows: HALVES, columns: ['a', 'b'] },
  { name: '#N/A is no comment', file: '#N/A,2\n3,4\n5,6\n', refuses: 'line 1, column 1 is "#N/A"', line: 1 },
  // Excel
  { name: 'Unicode text', file: utf16('a\tb\r\n1\t2\r\n3\t4\r\n'), rows: FOUR, columns: ['a', 'b'], says: 'UTF-16' },
  { name: 'UTF-16, big endian', file: utf16('a,b\n1,2\n3,4\n', true), rows: FOUR, columns: ['a', 'b'] },
  { name: 'UTF-16 without a mark', file: utf16('a,b\n1,2\n3,4\n', false, false), rows: FOUR, columns: ['a', 'b'] },
  { name: 'sep=;', file: 'sep=;\r\na;b\r\n1,5;2,5\r\n3,5;4,5\r\n', rows: HALVES, columns: ['a', 'b'] },
  { name: 'German', file: 'a;b\n1.234,5;2,5\n3,5;4,5\n', rows: [[1234.5, 2.5], [3.5, 4.5]], says: 'digits in groups' },
  { name: 'Windows-1252', file: latin1('T in \xb0C;\xb5m\n1,5;2,5\n3,5;4,5\n'), rows: HALVES, columns: ['T in °C', 'µm'], says: 'Windows-1252' },
  { name: 'an empty column and empty rows at the end', file: 'a,b,\n1,2,\n3,4,\n,,\n,,\n\n', rows: FOUR, columns: ['a', 'b'] },
  { name: 'a separator at the end of the rows only', file: 'a,b\n1,2,\n3,4,\n', rows: FOUR, columns: ['a', 'b'] },
  { name: 'several empty columns', file: '1,2,,\n3,4,,\n', rows: FOUR },
  { name: 'an empty row between', file: 'a,b\n1,2\n,\n3,4\n', rows: FOUR, says: 'Line 3 is empty' },
  { name: 'blank lines between', file: 'a,b\n\n1,2\n\n\n3,4\n', rows: FOUR, says: 'Lines 2, 4, 5 are empty' },
  { name: 'units', file: 'time,mass\ns,kg\n1,2\n3,4\n', rows: FOUR, columns: ['time', 'mass'], says: 'Line 2 has words above numbers' },
  { name: 'units in brackets, one column of them', file: 'n,T\n,[°C]\n1,2\n3,4\n', rows: FOUR, columns: ['n', 'T'] },
  { name: 'no units: a word in the first row', file: 'value\noops\n1\n2\n', refuses: 'line 2, column 1 is "oops", needs a number', line: 2 },
  { name: 'Excel’s errors', file: 'a,b\n1,#DIV/0!\n3,4\n', refuses: 'line 2, column 2 is "#DIV/0!"' },
  { name: 'a title above names', file: 'Report of May\na,b,c\n1,2,3\n4,5,6\n', rows: [[1, 2, 3], [4, 5, 6]], columns: ['a', 'b', 'c'],
    says: 'Line 1 is a title' },
  { name: 'a title and an empty row above names', file: 'Report,,\n,,\na,b,c\n1,2,3\n4,5,6\n', rows: [[1, 2, 3], [4, 5, 6]], columns: ['a', 'b', 'c'],
    says: 'Line 1 is a title' },
  { name: 'a title above numbers', file: 'Report of May\n1,2,3\n4,5,6\n',
    refuses: 'line 1 is no header of these columns: it has 1 cell where the lines below have 3', line: 1 },
  { name: 'thousands with narrow blanks, decimal commas', file: 'a;b\n1\u00a0234,5;2\n3;4\n', rows: [[1234.5, 2], [3, 4]] },
  { name: 'two years', file: 'country,2019,2020\nNorway,5,6\nSweden,7,9\n', asks: 'header' },
  { name: 'decimal commas with exponents', file: '1,5e3\n2,5e2\n', asks: 'decimal' },
  { name: 'minus zero is data', file: '-0,1\n2,3\n', rows: [[-0, 1], [2, 3]] },
  { name: 'a column of percents', file: 'a;b\n1,5;12%\n3,5;14%\n', refuses: 'line 2, column 2 is "12%", needs a number. Take the % off' },
  { name: 'an end of DOS', file: '1,2\r\n3,4\r\n\x1a', rows: FOUR },
  // numbers
  { name: 'true minus, plus, points, exponents', file: '\u22121,+.5\n2.,4E-1\n', rows: [[-1, 0.5], [2, Math.fround(0.4)]] },
  { name: 'true minus in the first row of words', file: '\u22121,a\n2,b\n', options: { label: 1 }, rows: [[-1], [2]], labels: ['a', 'b'] },
  { name: 'thousands, surely', file: 'a;b\n1,234.5;2\n3;4\n', rows: [[1234.5, 2], [3, 4]] },
  { name: 'thousands, perhaps', file: 'a,b\n"1,234",2\n3,4\n', asks: 'decimal', line: 2, column: 1 },
  { name: 'thousands, told', file: 'a,b\n"1,234",2\n3,4\n', options: { decimal: '.' }, rows: [[1234, 2], [3, 4]] },
  { name: 'thousands or decimals in all rows', file: 'a;b\n1,234;2,345\n3,456;4,567\n', asks: 'decimal' },
  { name: 'thousands with blanks', file: 'a;b\n1 234;2\n3;4\n', rows: [[1234, 2], [3, 4]] },
  { name: 'percent', file: 'a,b\n12%,2\n3,4\n5,6\n', refuses: 'line 2, column 1 is "12%", needs a number. Take the % off', column: 1 },
  { name: 'currency', file: 'a,b\n$12,2\n3,4\n5,6\n', refuses: 'Take the currency off' },
  { name: 'hexadecimal', file: 'a,b\n0x1F,2\n3,4\n5,6\n', refuses: 'Write it in decimals' },
  { name: 'true among numbers', file: 'True,2\n3,4\n5,6\n', refuses: 'line 1, column 1 is "True", needs a number' },
  { name: 'true and false', file: 'a,b\nTrue,2\nFALSE,4\n', rows: [[1, 2], [0, 4]], says: '1 for true' },
  { name: 'a word nobody knows among numbers', file: '1,abc,3\n4,5,6\n7,8,9\n', asks: 'header', line: 1, column: 2 },
  { name: 'infinity', file: 'a,b\n-inf,2\n3,4\n', refuses: 'line 2, column 1 is "-inf", needs a finite number' },
  { name: 'a number too large', file: 'a,b\n1e39,2\n3,4\n', refuses: 'needs at most 3.4028235e38' },
  { name: 'dates', file: 't,b\n2020-01-02,2\n2020-01-03,4\n', refuses: 'line 2, column 1 is "2020-01-02", needs a number. Take its column, which is dates' },
  { name: 'dates, left out', file: 't,b\n2020-01-02,2\n2020-01-03,4\n', options: { text: 'drop' }, rows: [[2], [4]], columns: ['b'] },
  { name: 'decimal commas in one column', file: '1,5\n2,5\n3,5\n4,25\n', asks: 'decimal' },
  { name: 'decimal commas in one column, told', file: '1,5\n2,5\n4,25\n', options: { decimal: ',' }, rows: [[1.5], [2.5], [4.25]] },
  { name: 'the same, told otherwise', file: '1,5\n2,5\n4,25\n', options: { separator: ',' }, rows: [[1, 5], [2, 5], [4, 25]] },
  { name: 'decimal commas under one name', file: 'value\n1,5\n2,5\n4,25\n', rows: [[1.5], [2.5], [4.25]], columns: ['value'] },
  { name: 'two names: two columns', file: 'a,b\n1,5\n2,5\n4,25\n', rows: [[1, 5], [2, 5], [4, 25]] },
  { name: 'two columns of whole numbers', file: '1,2\n3,4\n', rows: FOUR },
  { name: 'a number for each row, without names', file: '0,1.5,2.5\n1,3.5,4.5\n2,5.5,6.5\n', asks: 'omit', column: 1 },
  // missing values, text, columns
  { name: 'rows left out', file: 'a,b\n1,2\n,9\n3,4\n', options: { missing: 'drop' }, rows: FOUR, says: '1 row without a value is left out' },
  { name: 'means filled in', file: 'a,b\n1,2\n,3\n3,4\n', options: { missing: 'mean' }, rows: [[1, 2], [2, 3], [3, 4]], says: 'its mean, 2.' },
  { name: 'a word and a number for missing', file: 'a,b\n1,2\nlost,9\n8,-999\n3,4\n', options: { missing: { action: 'drop', tokens: ['lost', '-999.0'] } },
    rows: FOUR },
  { name: 'words numbered', file: 'a,kind\n1,rose\n2,iris\n3,rose\n', options: { text: 'categories' }, rows: [[1, 1], [2, 0], [3, 1]],
    says: '"iris", "rose" are 0 to 1' },
  { name: 'words numbered, numbers among them', file: 'a,kind\n1,x\n2,10\n3,y\n4,0.1\n5,x\n', options: { text: 'categories' },
    rows: [[1, 2], [2, 1], [3, 3], [4, 0], [5, 2]] },
  { name: 'words left out', file: 'a,kind\n1,rose\n2,iris\n', options: { text: 'drop' }, rows: [[1], [2]], columns: ['a'] },
  { name: 'a column left out by name', file: 'a,b,c\n1,9,2\n3,9,4\n', options: { omit: ['b'] }, rows: FOUR, columns: ['a', 'c'] },
  { name: 'a named column without a value', file: 'a,b\n1,\n2,\n', refuses: 'Its column has no number at all: leave it out with "omit"' },
  { name: 'a label that is missing', file: 'a,b\n1,x\n2,\n', options: { label: 'b' }, refuses: 'line 3, column 2 is empty, needs a label' },
  { name: 'a label that is missing, its row left out', file: 'a,b\n1,x\n2,\n', options: { label: 'b', missing: 'drop' }, rows: [[1]], labels: ['x'] },
  { name: 'labels of large numbers', file: 'a,b\n1,16777217\n2,16777216\n', options: { label: 'b' }, rows: [[1], [2]], labels: [16777217, 16777216] },
  { name: 'numbers beyond f32, told', file: 'a,b\n16777217,1\n2,3\n', rows: [[16777216, 1], [2, 3]], says: '1 whole number of column 1 ("a") is beyond' },
  // lines and cells
  { name: 'CR', file: 'a,b\r1,2\r3,4\r', rows: FOUR, columns: ['a', 'b'] },
  { name: 'a line end in quotes', file: '"a\nb",c\n1,2\n3,4\n', rows: FOUR, columns: ['a\nb', 'c'] },
  { name: 'bars', file: 'a|b\n1|2\n3|4\n', rows: FOUR, columns: ['a', 'b'] },
  { name: 'commas with blanks', file: 'a, b\n1, 2\n3 , 4\n', rows: FOUR, columns: ['a', 'b'] },
  { name: 'another separator, told', file: 'a:b\n1:2\n3:4\n', options: { separator: ':' }, rows: FOUR, columns: ['a', 'b'] },
  { name: 'one row', file: '1,2,3\n', rows: [[1, 2, 3]] },
  { name: 'one row under names', file: 'a,b\n1,2\n', rows: [[1, 2]], columns: ['a', 'b'] },
  { name: 'names only', file: 'a,b\n', refuses: 'ends after line 1, its header' },
  { name: 'nothing', file: '', refuses: 'is empty' },
  { name: 'a mark only', file: '\uFEFF', refuses: 'is empty' },
  { name: 'comments only', file: '# a\n# b\n', refuses: 'needs' },
  { name: 'prose', file: 'Dear reader,\nthis is no table\nof anything.\n', refuses: 'has no column of numbers' },
  { name: 'a cell too few', file: 'a,b\n1,2\n3\n5,6\n', refuses: 'line 3, column 2 is missing, needs 2 cells', line: 3, column: 2 },
  { name: 'a cell too many', file: 'a,b\n1,2\n3,4,5\n5,6\n', refuses: 'line 3, column 3 is "5", needs the end of the line', line: 3, column: 3 },
  // neighbours
  { name: 'HTML', file: '\n<!DOCTYPE html>\n<html><body>1,2</body></html>', refuses: 'is HTML, a web page: there is no number in it' },
  { name: 'XML', file: '<?xml version="1.0"?><a/>', refuses: 'is XML' },
  { name: 'JSON records', file: '[{"a": 1}]', refuses: 'is JSON' },
  { name: 'JSON of an object', file: '{"a": [1, 2]}', refuses: 'is JSON' },
  { name: 'a printed array', file: '[[1. 2.]\n [3. 4.]]', refuses: 'is JSON or a printed array' },
  { name: 'a Git LFS pointer', file: 'version https://git-lfs.github.com/spec/v1\noid sha256:1\n', refuses: 'is a Git LFS pointer' },
  { name: 'LIBSVM', file: '1 1:0.5 3:0.25\n0 2:1\n', refuses: 'LIBSVM' },
  { name: 'ARFF', file: '% iris\n@RELATION iris\n@DATA\n1,2\n', refuses: 'is ARFF' },
  { name: 'PNG', file: latin1('\x89PNG\r\n\x1a\n\0\0'), refuses: 'is a PNG image' },
  { name: 'JPEG', file: latin1('\xff\xd8\xff\xe0\0\x10JFIF'), refuses: 'is a JPEG image' },
  { name: 'GIF', file: latin1('GIF89a\x01\0'), refuses: 'is a GIF image' },
  { name: '.npz', file: latin1('PK\x03\x04\x14\0\0\0\0\0x.npy'), refuses: 'is a zip of NumPy arrays (.npz)' },
  { name: '.xlsx', file: latin1('PK\x03\x04\x14\0\0\0[Content_Types].xml'), refuses: 'is an Excel workbook' },
  { name: 'an old workbook', file: latin1('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'), refuses: 'is an Excel 97 workbook' },
  { name: 'Parquet', file: latin1('PAR1\x15\x04\0'), refuses: 'is a Parquet file' },
  { name: 'a column that is called PAR1', file: 'PAR1,b\n1,2\n3,4\n', rows: FOUR, columns: ['PAR1', 'b'] },
  { name: 'a pickle', file: latin1('\x80\x04\x95\x10\0'), refuses: 'is a Python pickle' },
  { name: 'HDF5', file: latin1('\x89HDF\r\n\x1a\n'), refuses: 'is an HDF5 file' },
  { name: 'MATLAB', file: latin1('MATLAB 5.0 MAT-file, Platform\0'), refuses: 'is a MATLAB .mat file' },
  { name: 'safetensors', file: latin1('\x40\0\0\0\0\0\0\0{"x":{"dtype":"F32"}}'), refuses: 'is a safetensors file' },
];
