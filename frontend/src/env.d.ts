/// <reference types="vite/client" />

// Vue's types do not include popover and data attributes.
declare module "vue" {
  interface HTMLAttributes {
    popover?: boolean | "auto" | "manual";
    /** Data for delegated event listeners. */
    [name: `data-${string}`]: string | number | undefined;
  }
  interface ButtonHTMLAttributes {
    popovertarget?: string;
  }
}

export {};
