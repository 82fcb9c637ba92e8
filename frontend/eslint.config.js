import svelte from 'eslint-plugin-svelte'
import ts from 'typescript-eslint'
import config from './svelte.config.js'

// Components show state and run commands; only src/state talks to the API.
const noApi = {
  'no-restricted-imports': ['error', {
    patterns: [{
      group: ['**/api/client', '**/api/connect', '**/api/gen/**', '@connectrpc/*'],
      message: 'Components never call the API: go through src/state.',
    }],
  }],
}

export default ts.config(
  { ignores: ['dist', 'src/api/gen', 'node_modules'] },
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig: config } },
  },
  {
    rules: {
      'no-undef': 'off',
      'max-lines': ['error', 400],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // Plain Maps and Sets are bookkeeping that nothing shows.
      'svelte/prefer-svelte-reactivity': 'off',
      // The router is the page's own, on history.pushState.
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
  { files: ['src/**/*.svelte', 'src/mirror/**', 'src/commands/**'], rules: noApi },
)
